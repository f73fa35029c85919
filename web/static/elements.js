// Elements of the page. Names and messages become text, never markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// For screen readers, and for what concerns the whole page.
export function tell(message, { error = false } = {}) {
  const said = document.getElementById("said");
  said.classList.toggle("error", error);
  said.textContent = message;
}

// Gently, unless the visitor wants nothing to move.
export function bringIntoView(element, block) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block, behavior: still ? "auto" : "smooth" });
}

export const percent = (probability) => Math.round(100 * probability);
