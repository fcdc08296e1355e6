// Moments in words, in the reader's own time zone.

const format = (options) => new Intl.DateTimeFormat([], options);
const TIME = format({ hour: "2-digit", minute: "2-digit", hour12: false });
const SECONDS = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const LONG = format({ weekday: "long", month: "long", day: "numeric" });
const PLAIN = format({ month: "long", day: "numeric", year: "numeric" });
const SHORT = format({ month: "short", day: "numeric" });
const DIGITS = format({ year: "numeric", month: "2-digit", day: "2-digit" });
const RELATIVE = new Intl.RelativeTimeFormat([], { numeric: "auto" });

export const moment = (ts) => new Date(Number(ts) * 1000);
export const time = (date) => TIME.format(date);
export const full = (date) => `${LONG.format(date)} at ${SECONDS.format(date)}`;
export const sameDay = (a, b) => a.toDateString() === b.toDateString();

function nearby(date, other) {
  const days = Math.round((new Date(date.toDateString()) - new Date(new Date().toDateString())) / 86_400_000);
  return Math.abs(days) <= 1 ? RELATIVE.format(days, "day") : other;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The heading above the messages of a day. */
export const day = (date) => capital(nearby(date, LONG.format(date)));

/** "today at 03:12" */
export const when = (date) => `${nearby(date, SHORT.format(date))} at ${TIME.format(date)}`;

function ago(date) {
  const seconds = (date - Date.now()) / 1000;
  const [unit, size] = [["day", 86_400], ["hour", 3600], ["minute", 60]].find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  return RELATIVE.format(Math.round(seconds / size), unit);
}

const TOKENS = {
  date_num: (d) => DIGITS.format(d),
  date: (d) => PLAIN.format(d),
  date_short: (d) => SHORT.format(d),
  date_long: (d) => LONG.format(d),
  date_pretty: (d) => nearby(d, PLAIN.format(d)),
  date_short_pretty: (d) => nearby(d, SHORT.format(d)),
  date_long_pretty: (d) => nearby(d, LONG.format(d)),
  time: (d) => TIME.format(d),
  time_secs: (d) => SECONDS.format(d),
  ago,
};

/** Slack's date tokens: `{date_short} at {time}`. */
export function dated(seconds, pattern, fallback) {
  const date = moment(seconds);
  if (Number.isNaN(date.getTime())) return fallback;
  return pattern.replace(/\{(\w+)\}/g, (whole, token) => TOKENS[token]?.(date) ?? whole);
}
