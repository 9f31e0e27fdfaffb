// A row of pictures: a click says which.
element.addEventListener('click', (event) => {
  const cell = event.target.closest('button[data-index]');
  if (cell) trigger('jump', { index: Number(cell.dataset.index) });
});
