// Whether the composer may be sent. A browser refuses a form without a word when the wrong field is out of sight.

/** From now on this form is asked here, not by the browser. */
export function ownValidity(form) {
  if (form) form.noValidate = true;
}

/**
 * Whether no field that can be seen is wrong; the first that is says so, in a section that opens for it.
 * Wrong fields of another tab are no reason: the server says what it thinks of them, if it reads them at all.
 */
export function mayBeSent(form) {
  const wrong = [...form.elements].filter((control) => control.willValidate && !control.validity.valid);
  const seen = wrong.find(canBeShown);
  seen?.reportValidity();
  return !seen;
}

function canBeShown(control) {
  const closed = [];
  for (let part = control.closest("details:not([open])"); part; part = part.parentElement.closest("details:not([open])")) closed.push(part);
  for (const part of closed) part.open = true;
  if (control.checkVisibility()) return true;
  for (const part of closed) part.open = false;
  return false;
}
