// Block Kit, block by block.

import { h, picture } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { markdown } from "./markdown.js";
import { richText, table } from "./richtext.js";
import { control, plainText, troubles } from "./controls.js";

/** A text object. */
export function textObject(object) {
  return object.type === "mrkdwn" ? mrkdwn(object.text) : plainText(object);
}

function slackFile(element) {
  return element.slack_file?.url ?? (element.slack_file?.id ? `/files-pri/T0NIGHT-${element.slack_file.id}/picture` : null);
}

const image = (element, look) =>
  h("img", { class: look, src: picture(element.image_url ?? slackFile(element)), alt: element.alt_text, loading: "lazy" });

function section(block, where) {
  const side = block.accessory && (block.accessory.type === "image" ? image(block.accessory, "accessory") : control(block.accessory, where));
  const text = h("div", { class: "text" },
    block.text && h("div", { class: "words" }, textObject(block.text)),
    block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", {}, textObject(field)))));
  return h("div", { class: "section" }, text, side && h("div", { class: "side" }, side), block.accessory && troubles([block.accessory], where));
}

function context(block) {
  return h("div", { class: "context" }, block.elements.map((element) =>
    element.type === "image" ? image(element, "tiny") : h("span", {}, textObject(element))));
}

function actions(block, where) {
  return h("div", {}, h("div", { class: "actions", role: "group", "aria-label": "Actions" }, block.elements.map((element) => control(element, where))), troubles(block.elements, where));
}

function imageBlock(block) {
  const title = block.title && h("figcaption", {}, plainText(block.title));
  return h("figure", { class: "image" }, title, image(block, "large"));
}

const DRAWN = {
  header: (block) => h("h3", { class: "header" }, plainText(block.text)),
  section,
  context,
  divider: () => h("hr"),
  actions,
  image: imageBlock,
  rich_text: richText,
  markdown: (block) => h("div", { class: "markdown" }, markdown(block.text)),
  table,
};

/** One block; `where` says in which message or view, so that its controls can tell. */
export function draw(block, where) {
  const drawn = DRAWN[block.type]?.(block, where);
  return drawn && h("div", { class: `block ${block.type}-block`, "data-block": block.block_id ?? "" }, drawn);
}

export function drawAll(blocks, where) {
  return blocks.map((block) => draw(block, where));
}

/** A legacy attachment, as monitoring integrations still send them. */
export function attachment(piece, where) {
  const bar = h("span", { class: "bar" });
  const colours = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };
  bar.style.background = colours[piece.color] ?? (/^#?[0-9a-f]{6}$/i.test(piece.color ?? "") ? `#${piece.color.replace("#", "")}` : "var(--line-strong)");
  const title = piece.title && h("strong", {}, mrkdwn(piece.title_link ? `<${piece.title_link}|${piece.title}>` : piece.title));
  const fields = piece.fields && h("div", { class: "fields" }, piece.fields.map((field) => h("div", {}, h("strong", {}, field.title), h("div", {}, mrkdwn(field.value ?? "")))));
  return h("div", {}, piece.pretext && mrkdwn(piece.pretext), h("div", { class: "attachment" }, bar,
    h("div", { class: "inside" }, title, piece.text && h("div", {}, mrkdwn(piece.text)), fields, piece.blocks && drawAll(piece.blocks, where), piece.footer && h("small", {}, piece.footer))));
}
