// Elements are built, never parsed: text can only become text.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on*` are listeners, `class`/`aria-*`/`data-*` attributes, everything else a property. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "role" || name === "for" || name.includes("-")) element.setAttribute(name, value === true ? "" : value);
    else element[name] = value;
  }
  element.append(...flat(children));
  return element;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== "");
}

/** A drawing of one of the sprites. */
export function sprite(file, name, label) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/${file}.svg#${name}`);
  svg.append(use);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", file);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  return svg;
}

export const icon = (name, label) => sprite("icons", name, label);

/** Put new children into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...flat(children));
  return element;
}

/** A web address that may be followed, or null. */
export function safe(url) {
  try {
    const parsed = new URL(url, location.origin);
    return ["http:", "https:", "mailto:"].includes(parsed.protocol) ? parsed : null;
  } catch {
    return null;
  }
}

/** The address of a picture; those that this workspace serves are asked for where the page came from. */
export function picture(url) {
  const parsed = safe(url);
  if (!parsed) return "";
  const ours = /^\/(files-pri|avatars|static)\//.test(parsed.pathname) && ["127.0.0.1", "localhost"].includes(parsed.hostname);
  return ours ? parsed.pathname : parsed.href;
}
