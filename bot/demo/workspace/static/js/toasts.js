// Short notices in the corner.

import { h, icon } from "./dom.js";
import { closer } from "./confirm.js";

const LIFE_MS = 8000;

/** Show a notice: `{title, text, kind}`. `text` is a string or elements, `kind` is "failure" or "whisper". */
export function toast({ title, text, kind }) {
  const note = h("div", { class: `toast ${kind}`, role: kind === "failure" ? "alert" : "status" },
    icon(kind === "failure" ? "alert" : "eye"),
    h("div", {}, h("strong", {}, title), h("div", { class: "text" }, text)),
    closer(() => note.remove()));
  document.getElementById("toasts").append(note);
  setTimeout(() => note.remove(), LIFE_MS);
}

/** Say something to those who listen instead of looking. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
