// Buttons and menus of the bot: the confirm dialog, the spinner until the bot has acknowledged, the sign when it did not.

import { h, icon, safe } from "./dom.js";
import { emoji, emojiInText } from "./emoji.js";
import { act } from "./link.js";
import { confirmed } from "./confirm.js";
import { state, tell } from "./store.js";

/** Plain text, whose `:emoji:` are drawn. */
export function plainText(object) {
  return object.emoji === false ? [object.text] : withNames(object.text);
}

export function withNames(text) {
  return text.split(/(:[a-z0-9_+'-]+:)/).flatMap((part) => (/^:.+:$/.test(part) ? [emoji(part.slice(1, -1))] : emojiInText(part)));
}

/** Where a control is: in a message, or in a view. */
const key = (where, element) => `${where.ts ?? where.view} ${element.action_id}`;

export function trouble(where, element) {
  const found = state.busy.get(key(where, element));
  return found && found !== "busy" ? found : null;
}

async function send(where, element, choice) {
  const name = key(where, element);
  if (state.busy.get(name) === "busy") return;
  if (element.confirm && !(await confirmed(element.confirm, element.style))) return;
  set(where, name, "busy");
  const answer = await act("click", { ...where, action: element.action_id, choice });
  set(where, name, answer.ok ? null : answer.error);
}

function set(where, name, value) {
  if (value === null) state.busy.delete(name);
  else state.busy.set(name, value);
  tell("busy", where);
}

function button(element, where) {
  const busy = state.busy.get(key(where, element)) === "busy";
  const content = h("span", { class: "label" }, plainText(element.text));
  const look = `button ${element.style ?? ""} ${busy ? "busy" : ""}`.trim();
  const spoken = element.accessibility_label;
  if (element.url) {
    return h("a", { class: look, href: safe(element.url)?.href ?? "#", target: "_blank", rel: "noopener noreferrer", "aria-label": spoken, onclick: () => send(where, element) }, content, icon("external"));
  }
  return h("button", {
    class: look, type: "button", "aria-label": spoken, "aria-busy": busy ? "true" : undefined,
    "data-action": element.action_id, "data-focus": `action ${element.action_id}`, onclick: () => send(where, element),
  }, content, busy && h("span", { class: "spinner", "aria-hidden": "true" }));
}

function menu(element, where) {
  const options = element.type === "users_select"
    ? Object.values(state.people).filter((p) => !p.bot).map((p) => ({ value: p.id, text: { text: p.name } }))
    : element.options;
  const first = element.placeholder?.text ?? (element.type === "overflow" ? "…" : "Choose");
  const initial = element.initial_option?.value ?? element.initial_user ?? "";
  return h("span", { class: "menu" }, h("select", {
    "aria-label": first, "data-action": element.action_id, "data-focus": `action ${element.action_id}`, onchange: (event) => send(where, element, event.target.value),
  }, h("option", { value: "", selected: !initial }, first), options.map((option) => h("option", { value: option.value, selected: option.value === initial }, option.text.text))), icon("chevron"));
}

function choices(element, where) {
  const many = element.type === "checkboxes";
  const held = new Set((element.initial_options ?? [element.initial_option]).filter(Boolean).map((option) => option.value));
  const changed = (option, on) => {
    if (!many) return send(where, element, option.value);
    if (on) held.add(option.value);
    else held.delete(option.value);
    return send(where, element, [...held]);
  };
  return h("span", { class: "choices" }, element.options.map((option) => h("label", {},
    h("input", { type: many ? "checkbox" : "radio", name: key(where, element), checked: held.has(option.value), onchange: (event) => changed(option, event.target.checked) }),
    h("span", {}, plainText(option.text)))));
}

const DRAWN = { button, static_select: menu, users_select: menu, overflow: menu, radio_buttons: choices, checkboxes: choices };

/** An interactive element. */
export function control(element, where) {
  return DRAWN[element.type]?.(element, where) ?? null;
}

/** What went wrong with the controls of a block. */
export function troubles(elements, where) {
  const said = elements.map((element) => trouble(where, element)).filter(Boolean);
  return said.map((text) => h("p", { class: "trouble", role: "alert" }, icon("alert"), text));
}
