// Asks before what cannot be undone: forms with data-confirm hold the question.

export function startConfirm() {
  document.addEventListener("submit", ask, true);
}

function ask(event) {
  const question = event.target.dataset.confirm;
  if (!question || confirm(question)) return;
  event.preventDefault();
  event.stopPropagation();
}
