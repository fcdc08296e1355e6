// The bot's modals: the top one of the stack, with its inputs and errors.

import { h, fill } from "./dom.js";
import { draw } from "./blocks.js";
import { closer } from "./confirm.js";
import { plainText } from "./controls.js";
import { act } from "./link.js";
import { state } from "./store.js";

let dialog = null;
let shown = null;
let sending = false;
const entered = new Map(); // "view action" → value

/** Show what this person has before them, or nothing. */
export function drawModal() {
  const view = state.modals.at(-1);
  if (!view) return close();
  const mark = JSON.stringify([view, sending, [...state.busy]]);
  if (shown === mark) return;
  const opened = !dialog;
  dialog ??= document.body.appendChild(h("dialog", { class: "dialog modal", "aria-labelledby": "modal-title", oncancel: (event) => { event.preventDefault(); dismiss(); } }));
  const focus = dialog.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  fill(dialog, form(view));
  if (opened) dialog.showModal();
  const wrong = Object.keys(view.errors).length && dialog.querySelector("[aria-invalid='true']");
  const target = wrong || (focus && dialog.querySelector(`[data-focus="${CSS.escape(focus)}"]`)) || dialog.querySelector("textarea, .field input, .field select");
  target?.focus();
  shown = mark;
}

function close() {
  dialog?.close();
  dialog?.remove();
  dialog = shown = null;
  sending = false;
}

function dismiss() {
  act("dismiss", { view: state.modals.at(-1).id });
}

function form(view) {
  return h("form", { noValidate: true, onsubmit: (event) => submit(event, view) },
    h("header", {}, h("h2", { id: "modal-title" }, plainText(view.title)), closer(dismiss)),
    h("div", { class: "body" },
      view.errors[""] && h("p", { class: "trouble", role: "alert" }, view.errors[""]),
      view.blocks.map((block) => (block.type === "input" ? field(block, view) : draw(block, { view: view.id })))),
    h("footer", {},
      h("button", { class: "button", type: "button", onclick: dismiss }, view.close?.text ?? "Cancel"),
      view.submit && h("button", { class: `button solid primary ${sending ? "busy" : ""}`, type: "submit", disabled: sending }, h("span", { class: "label" }, view.submit.text), sending && h("span", { class: "spinner", "aria-hidden": "true" }))));
}

async function submit(event, view) {
  event.preventDefault();
  if (sending) return;
  const values = {};
  for (const block of view.blocks.filter((one) => one.type === "input")) {
    const name = `${view.id} ${block.element.action_id}`;
    values[block.block_id] = entered.has(name) ? entered.get(name) : initial(block.element);
  }
  sending = true;
  drawModal();
  await act("submit", { view: view.id, values });
  sending = false;
  drawModal();
}

function initial(element) {
  if (element.initial_options) return element.initial_options.map((option) => option.value);
  return element.initial_value ?? element.initial_option?.value ?? element.initial_user ?? null;
}

function field(block, view) {
  const error = view.errors[block.block_id];
  const id = `field-${block.block_id}`;
  const notes = [block.hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  const name = `${view.id} ${block.element.action_id}`;
  const value = entered.has(name) ? entered.get(name) : initial(block.element);
  const basics = { id, "data-focus": `input ${block.block_id}`, "aria-invalid": error ? "true" : undefined, "aria-describedby": notes || undefined, "aria-required": block.optional ? undefined : "true" };
  return h("div", { class: error ? "field wrong" : "field" },
    h("label", { for: id }, plainText(block.label), block.optional && h("span", { class: "optional" }, " (optional)")),
    input(block.element, basics, value, (entry) => entered.set(name, entry)),
    error && h("p", { class: "error", id: `${id}-error`, role: "alert" }, error),
    block.hint && h("p", { class: "hint", id: `${id}-hint` }, plainText(block.hint)));
}

function input(element, basics, value, keep) {
  const placeholder = element.placeholder?.text;
  if (element.type === "plain_text_input") {
    const common = { ...basics, placeholder, value: value ?? "", oninput: (event) => keep(event.target.value) };
    return element.multiline ? h("textarea", { ...common, rows: 4 }) : h("input", { ...common, type: "text" });
  }
  if (element.type === "checkboxes" || element.type === "radio_buttons") return group(element, basics, value, keep);
  const options = element.options ?? Object.values(state.people).filter((one) => !one.bot).map((one) => ({ value: one.id, text: { text: one.name } }));
  return h("select", { ...basics, onchange: (event) => keep(event.target.value || null) },
    h("option", { value: "" }, placeholder ?? "Choose"), options.map((option) => h("option", { value: option.value, selected: option.value === value }, option.text.text)));
}

function group(element, basics, value, keep) {
  const many = element.type === "checkboxes";
  const held = new Set(many ? (value ?? []) : [value]);
  const changed = (option, on) => {
    if (!many) held.clear();
    if (on) held.add(option.value);
    else held.delete(option.value);
    keep(many ? [...held] : option.value);
  };
  return h("div", { ...basics, class: "choices", role: many ? "group" : "radiogroup" }, element.options.map((option) => h("label", {},
    h("input", { type: many ? "checkbox" : "radio", name: basics.id, checked: held.has(option.value), onchange: (event) => changed(option, event.target.checked) }),
    h("span", {}, plainText(option.text)))));
}
