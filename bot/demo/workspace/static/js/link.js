// The line to the workspace: the whole state at first, then what changes, and what this person does.

import { state, tell, look } from "./store.js";

let stream = null;
let waiting = null;

/** Be that person; in this tab also after a reload. */
export function become(user) {
  stream?.close();
  state.me = user ?? sessionStorage.getItem("me");
  if (user) sessionStorage.setItem("me", user);
  stream = new EventSource(`/page/stream?as=${encodeURIComponent(state.me ?? "")}`);
  stream.onopen = load;
  stream.onmessage = (event) => take(JSON.parse(event.data));
  stream.onerror = () => connected(false);
}

function connected(yes) {
  state.connected = yes;
  tell("link");
}

// Changes that arrive while the state is on its way would be overwritten by it: they wait.
async function load() {
  waiting = [];
  const response = await fetch(`/page/state?as=${encodeURIComponent(state.me ?? "")}`);
  const whole = await response.json();
  const stranger = state.me !== whole.me;
  Object.assign(state, whole, { messages: new Map(whole.messages.map((message) => [message.ts, message])) });
  for (const channel of [...state.channels.map((c) => c.id), state.app.direct]) {
    if (!(`${state.me} ${channel}` in state.seen)) look(channel);
  }
  state.connected = true;
  tell("all");
  const late = waiting;
  waiting = null;
  late.forEach(take);
  if (stranger) become(whole.me);
}

function take(change) {
  if (waiting) {
    waiting.push(change);
    return;
  }
  const kinds = {
    message: () => keep(change.message),
    gone: () => drop(change.ts),
    views: () => {
      Object.assign(state, { home: change.home, modals: change.modals });
      tell("views");
    },
    status: () => {
      state.statuses[change.thread] = change.text;
      tell("status", change.thread);
    },
  };
  kinds[change.kind]?.();
}

function keep(message) {
  const known = state.messages.has(message.ts);
  state.messages.set(message.ts, message);
  if (message.user === state.app.id && message.thread_ts) delete state.statuses[message.thread_ts];
  if (message.channel === state.place && !document.hidden) look(message.channel);
  tell("message", { message, known });
}

function drop(ts) {
  const message = state.messages.get(ts);
  if (!message) return;
  state.messages.delete(ts);
  tell("message", { message, gone: true });
}

/** Do something as this person; the answer always has `ok`, and `error` where it is false. */
export async function act(deed, body) {
  try {
    const response = await fetch(`/page/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: state.me, ...body }),
    });
    return await response.json();
  } catch {
    return { ok: false, error: "The workspace cannot be reached." };
  }
}
