// What the page knows, and who wants to hear that it has changed.

export const state = {
  me: null,
  team: { name: "" },
  app: null,
  people: {},
  groups: {},
  channels: [],
  messages: new Map(), // ts → message
  home: null,
  modals: [],
  place: null, // a channel's id, or "home"
  thread: null, // the ts of the first message
  seen: {}, // "person channel" → the newest ts that was looked at
  fresh: {}, // channel → where the line "New" is drawn
  statuses: {}, // thread → what the bot says that it does
  busy: new Map(), // "where action" → "busy" or the sentence of an error
  connected: false,
};

const listeners = new Set();

/** Hear of changes; `topic` is "all", "message", "views", "busy", "place", "status" or "link". */
export function listen(listener) {
  listeners.add(listener);
}

export function tell(topic, detail) {
  for (const listener of listeners) listener(topic, detail);
}

export const order = (a, b) => (a.ts.length - b.ts.length) || (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0);

const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

/** What a channel shows, oldest first. */
export function timeline(channel) {
  const shown = (message) => message.channel === channel && (!isReply(message) || message.broadcast);
  return [...state.messages.values()].filter(shown).sort(order);
}

/** The replies to a message, oldest first. */
export function replies(ts) {
  return [...state.messages.values()].filter((message) => message.thread_ts === ts && message.ts !== ts).sort(order);
}

export function unread(channel) {
  const seen = state.seen[`${state.me} ${channel}`] ?? "0";
  return timeline(channel).filter((message) => message.user !== state.me && Number(message.ts) > Number(seen));
}

/** Everything in the channel counts as seen. */
export function look(channel) {
  const last = timeline(channel).at(-1);
  if (last) state.seen[`${state.me} ${channel}`] = last.ts;
}

export function person(id) {
  return state.people[id] ?? { id, name: id, handle: id, initials: "?", colour: "#666", bot: false };
}
