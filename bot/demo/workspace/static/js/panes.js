// The two lists of messages: the channel in the middle, the thread on the right.

import { h, fill, icon } from "./dom.js";
import { composer } from "./composer.js";
import { day, moment, sameDay } from "./dates.js";
import { message } from "./message.js";
import { closeThread } from "./place.js";
import { menuButton } from "./sidebar.js";
import { state, person, replies, timeline } from "./store.js";

const COMPACT_S = 300;

const follows = (one, before) =>
  before && before.user === one.user && before.username === one.username && !before.only_for === !one.only_for && !one.broadcast &&
  Number(one.ts) - Number(before.ts) < COMPACT_S && sameDay(moment(one.ts), moment(before.ts));

/** What a message looks like depends on these; while they are the same, its element stays. */
function fingerprint(one, options) {
  const busy = [...state.busy].filter(([name]) => name.startsWith(`${one.ts} `));
  const below = options.within === "channel" ? replies(one.ts).map((reply) => [reply.ts, reply.user]) : [];
  return JSON.stringify([one, options, busy, below]);
}

/** Bring a list up to date and touch only what has changed, so that focus and selection stay. */
function refresh(list, items) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const nodes = items.map(({ key, mark, make }) => {
    const known = old.get(key);
    if (known?.dataset.mark === mark) return known;
    const made = make();
    made.dataset.key = key;
    made.dataset.mark = mark;
    if (known) keepFocus(known, made);
    return made;
  });
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  while (list.children.length > nodes.length) list.lastChild.remove();
}

function keepFocus(known, made) {
  if (!known.contains(document.activeElement)) return;
  const name = document.activeElement.dataset.focus;
  const next = name ? made.querySelector(`[data-focus="${CSS.escape(name)}"]`) : made;
  queueMicrotask(() => (next ?? made).focus({ preventScroll: true }));
}

function entries(posts, within, fresh) {
  const items = [];
  posts.forEach((one, index) => {
    const before = posts[index - 1];
    if (within === "channel" && (!before || !sameDay(moment(one.ts), moment(before.ts)))) items.push(ruled(`day ${one.ts}`, "day", day(moment(one.ts))));
    if (one.ts === fresh) items.push(ruled("fresh", "fresh", "New"));
    const alone = one.ts === fresh || (within === "thread" ? index === 1 : before && replies(before.ts).length > 0);
    const options = { within, compact: !alone && Boolean(follows(one, before)) };
    items.push({ key: one.ts, mark: fingerprint(one, options), make: () => message(one, options) });
    if (within === "thread" && index === 0) {
      const count = posts.length - 1;
      if (count) items.push(ruled("count", "count", count === 1 ? "1 reply" : `${count} replies`));
    }
  });
  return items;
}

const ruled = (key, look, text) => ({ key, mark: text, make: () => h("div", { class: `rule ${look}`, role: "separator", "aria-label": text }, h("span", {}, text)) });

const nearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 80;
const toEnd = (list) => { list.scrollTop = list.scrollHeight; };

// A list that was at its end stays there when pictures arrive or the window changes.
function scroller(label) {
  const list = h("div", { class: "messages", role: "log", "aria-live": "off", "aria-label": label, tabIndex: 0, onkeydown: walk });
  let stuck = true;
  list.addEventListener("scroll", () => { stuck = nearEnd(list); });
  list.addEventListener("load", () => stuck && toEnd(list), true);
  new ResizeObserver(() => stuck && toEnd(list)).observe(list);
  return list;
}

// The arrow keys go from message to message.
function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.target.closest("input, textarea, select")) return;
  const all = [...event.currentTarget.querySelectorAll(".message")];
  const here = all.indexOf(event.target.closest(".message"));
  const next = here < 0 ? all.at(-1) : all[here + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

let shown = null;

/** The channel in the middle. */
export function drawChannel(pane) {
  const direct = state.place === state.app.direct;
  const known = state.channels.find((one) => one.id === state.place) ?? { id: state.place, name: state.app.name, topic: "", members: 2 };
  const title = direct ? known.name : `#${known.name}`;
  const name = `${state.me} ${state.place}`;
  if (shown !== name || !pane.querySelector(".messages")) {
    fill(pane,
      h("header", { class: "top" }, menuButton(),
        h("h1", {}, direct ? known.name : [icon("hash"), known.name]), h("p", { class: "topic" }, known.topic),
        h("span", { class: "members", title: `${known.members} members` }, icon("people"), String(known.members))),
      scroller(`Messages in ${title}`),
      h("div", { class: "below" }, composer(known.id, null, `Message ${title}`)));
  }
  const list = pane.querySelector(".messages");
  const follow = shown !== name || nearEnd(list);
  const posts = timeline(state.place);
  refresh(list, posts.length ? entries(posts, "channel", state.fresh[state.place]) : [empty(title)]);
  if (follow) toEnd(list);
  jump(pane, list, !follow);
  shown = name;
}

const empty = (title) => ({ key: "empty", mark: title, make: () => h("div", { class: "empty" }, h("h2", {}, title), h("p", {}, "Nothing has been said here yet.")) });

function jump(pane, list, needed) {
  pane.querySelector(".jump")?.remove();
  if (!needed) return;
  const button = h("button", { class: "jump", type: "button", onclick: () => { toEnd(list); button.remove(); } }, icon("down"), "New messages");
  pane.querySelector(".below").prepend(button);
}

let threadShown = null;

/** The thread on the right. */
export function drawThread(aside) {
  const first = state.thread && state.messages.get(state.thread);
  aside.hidden = !first;
  document.getElementById("desk").classList.toggle("with-thread", Boolean(first));
  const name = first ? `${state.me} ${state.thread}` : null;
  if (!first) {
    threadShown = name;
    return;
  }
  if (threadShown !== name || !aside.querySelector(".messages")) {
    const channel = state.channels.find((one) => one.id === first.channel);
    fill(aside,
      h("header", { class: "top" }, h("h2", {}, "Thread"), h("p", { class: "topic" }, channel ? `#${channel.name}` : state.app.name),
        h("button", { class: "quiet", type: "button", "aria-label": "Close thread", onclick: closeThread }, icon("close"))),
      scroller("Thread"),
      h("p", { class: "status", role: "status" }),
      h("div", { class: "below" }, composer(first.channel, first.ts, "Reply…")));
  }
  const list = aside.querySelector(".messages");
  const follow = threadShown !== name || nearEnd(list);
  refresh(list, entries([first, ...replies(first.ts)], "thread"));
  drawStatus(aside);
  if (follow) toEnd(list);
  threadShown = name;
}

/** "Nightdesk is looking at the logs …" */
export function drawStatus(aside) {
  const line = aside.querySelector(".status");
  const text = state.statuses[state.thread];
  if (line) fill(line, text ? [h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), `${person(state.app.id).name} ${text}`] : []);
}
