// Where a person writes.

import { h, icon } from "./dom.js";
import { act } from "./link.js";
import { state } from "./store.js";
import { toast } from "./toasts.js";

const drafts = new Map();

/** A box to write into a channel, or below a message. */
export function composer(channel, thread, label) {
  const name = `${state.me} ${channel} ${thread ?? ""}`;
  const send = h("button", { class: "send", type: "submit", "aria-label": "Send", disabled: !drafts.get(name) }, icon("send"));
  const box = h("textarea", {
    rows: 1, placeholder: label, "aria-label": label, value: drafts.get(name) ?? "", "data-focus": "composer",
    oninput: () => {
      drafts.set(name, box.value);
      grow(box);
      send.disabled = !box.value.trim();
    },
    onkeydown: (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        form.requestSubmit();
      }
    },
  });
  const form = h("form", {
    class: "composer",
    onsubmit: async (event) => {
      event.preventDefault();
      const text = box.value.trim();
      if (!text) return;
      box.value = "";
      drafts.delete(name);
      send.disabled = true;
      grow(box);
      const answer = await act("say", { channel, thread, text });
      if (!answer.ok) {
        box.value = text;
        drafts.set(name, text);
        send.disabled = false;
        toast({ title: "That did not work", text: answer.error, kind: "failure" });
      }
    },
  }, box, h("div", { class: "foot" }, h("span", { class: "hint" }, "Enter to send, Shift + Enter for a new line"), send));
  return form;
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
}
