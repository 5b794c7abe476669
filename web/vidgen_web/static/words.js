// What the scripts say, in the page's language; the server puts the translations into the page.
const texts = JSON.parse(document.documentElement.dataset.texts ?? "{}");

/** `text` in the reader's language, with `values` at its %(names)s. */
export function say(text, values = {}) {
  return (texts[text] ?? text).replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}
