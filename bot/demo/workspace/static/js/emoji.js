// Emoji by Slack's names. The ones that an on-call channel needs are drawn here, so that they look the same, and are
// there at all, on every machine; the others are characters of the reader's fonts.

import { h, sprite } from "./dom.js";

const CHARACTERS = await (await fetch("/static/emoji.json")).json();

const DRAWN = new Set(`
  red_circle large_orange_circle large_yellow_circle large_green_circle large_blue_circle large_purple_circle large_red_square large_orange_square
  large_yellow_square large_green_square large_blue_square white_circle black_circle white_check_mark ballot_box_with_check heavy_check_mark x
  no_entry no_entry_sign octagonal_sign warning rotating_light fire zap question grey_question exclamation grey_exclamation information_source eyes
  mag mag_right hourglass hourglass_flowing_sand stopwatch alarm_clock raised_hand hand thumbsup +1 thumbsdown -1 handshake gear wrench
  hammer_and_wrench hammer lock unlock bell page_facing_up memo pencil clipboard scroll pushpin file_cabinet chart_with_upwards_trend
  chart_with_downwards_trend bar_chart speech_balloon thought_balloon bulb brain spider_web seedling repeat arrows_counterclockwise arrow_right
  arrow_down arrow_left arrow_up arrow_upper_right arrow_lower_right leftwards_arrow_with_hook black_square_for_stop double_vertical_bar
  arrow_forward heavy_plus_sign heavy_minus_sign small_red_triangle small_red_triangle_down small_blue_diamond small_orange_diamond
  large_blue_diamond large_orange_diamond no_bell key scissors world_map rocket tada sparkles robot_face coffee crescent_moon
`.trim().split(/\s+/));

const bare = (character) => character.replaceAll("\ufe0f", "");
const NAMES = new Map(Object.entries(CHARACTERS).reverse().map(([name, character]) => [bare(character), name]));
const KNOWN = new RegExp(
  [...NAMES].filter(([, name]) => DRAWN.has(name)).map(([character]) => character).sort((a, b) => b.length - a.length).join("|"),
  "gu",
);

/** The emoji of that name; an unknown name stays as it was written. */
export function emoji(name) {
  const base = name.split("::")[0];
  if (DRAWN.has(base)) return sprite("emoji", base, base.replaceAll("_", " "));
  const character = CHARACTERS[base];
  if (!character) return document.createTextNode(`:${name}:`);
  return h("span", { class: "emoji-character", role: "img", "aria-label": base.replaceAll("_", " ") }, character);
}

/** Text whose emoji characters are drawn like those that were written by name. */
export function emojiInText(text) {
  const nodes = [];
  let end = 0;
  for (const found of text.matchAll(KNOWN)) {
    if (found.index > end) nodes.push(document.createTextNode(text.slice(end, found.index)));
    nodes.push(emoji(NAMES.get(found[0])));
    end = found.index + found[0].length + (text[found.index + found[0].length] === "\ufe0f" ? 1 : 0);
  }
  if (end < text.length) nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}
