// The dialog that stands between a person and a button with `confirm`.

import { h, icon } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

/** Ask; true when the person confirms. */
export function confirmed(confirm, style) {
  const danger = (confirm.style ?? style) === "danger";
  return new Promise((resolve) => {
    const answer = (yes) => () => {
      dialog.close();
      dialog.remove();
      resolve(yes);
    };
    const dialog = h("dialog", { class: "dialog confirm", "aria-labelledby": "confirm-title", oncancel: answer(false) },
      h("header", {}, h("h2", { id: "confirm-title" }, confirm.title.text), closer(answer(false))),
      h("div", { class: "body" }, confirm.text.type === "mrkdwn" ? mrkdwn(confirm.text.text) : confirm.text.text.split("\n").map((line) => h("p", {}, line))),
      h("footer", {},
        h("button", { class: "button", type: "button", onclick: answer(false) }, confirm.deny.text),
        h("button", { class: `button solid ${danger ? "danger" : "primary"}`, type: "button", "data-confirm": true, onclick: answer(true) }, confirm.confirm.text)));
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("footer .button").focus();
  });
}

export function closer(onclick) {
  return h("button", { class: "quiet", type: "button", "aria-label": "Close", onclick }, icon("close"));
}
