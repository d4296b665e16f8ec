// Elements without markup: text only ever becomes a text node, so nothing that a user, a model or
// a tool said can become an element or an attribute that acts.

/** `children` are nodes or strings; null and false are left out. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Touches the page only where something differs: a poll must not disturb a screen reader. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** A link to elsewhere, or null where the address is not one of the web. */
export function outside(address, text, attributes = {}) {
  let url;
  try {
    url = new URL(address, location.href);
  } catch {
    return null;
  }
  if (!["http:", "https:"].includes(url.protocol)) return null;
  return el(
    "a",
    { href: url.href, target: "_blank", rel: "noopener noreferrer", ...attributes },
    text,
    el("span", { "aria-hidden": "true" }, " ↗"),
    el("span", { class: "visually-hidden" }, " (opens in a new tab)"),
  );
}

function append(element, children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}
