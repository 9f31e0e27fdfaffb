// The picture: a click chooses a region, shift adds to it; a drag moves the chosen regions, shift and drag brushes;
// the wheel zooms them. The element stays while its content is replaced, so that a hand may go on moving.
let hand = null, zoom = 1, resting = null, told = 0;
const frame = () => element.querySelector('.stage-picture');
const place = (event) => {
  const box = frame().getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
const chosen = () => frame() && frame().dataset.chosen === '1';

element.addEventListener('pointerdown', (event) => {
  if (event.button !== 0 || !frame() || !frame().contains(event.target)) return;
  if (event.target.matches('input')) return;
  const [x, y] = place(event);
  hand = { x, y, more: event.shiftKey || event.ctrlKey || event.metaKey, trail: [[x, y]], moved: false };
  element.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', (event) => {
  if (!hand || !frame()) return;
  const [x, y] = place(event);
  hand.moved = hand.moved || Math.hypot(x - hand.x, y - hand.y) > 0.015;
  hand.trail.push([x, y]);
  if (hand.moved && !hand.more && chosen() && event.timeStamp - told > 60) {
    told = event.timeStamp;
    trigger('pull', { right: x - hand.x, down: y - hand.y });
  }
});
element.addEventListener('pointerup', (event) => {
  if (!hand) return;
  const [x, y] = place(event), done = hand;
  hand = null;
  if (!done.moved) trigger('pick', { x: done.x, y: done.y, more: done.more });
  else if (done.more || !chosen()) trigger('brush', { places: done.trail.slice(0, 400) });
  else trigger('release', { right: x - done.x, down: y - done.y, zoom: 1 });
});
element.addEventListener('pointercancel', () => { hand = null; });
element.addEventListener('wheel', (event) => {
  if (!chosen() || !frame().contains(event.target)) return;
  event.preventDefault();
  zoom = Math.min(4, Math.max(0.25, zoom * Math.exp(-event.deltaY / 1000)));
  trigger('stretch', { zoom });
  clearTimeout(resting);
  resting = setTimeout(() => { trigger('release', { right: 0, down: 0, zoom }); zoom = 1; }, 400);
}, { passive: false });
element.addEventListener('input', (event) => {
  if (event.target.matches('.stage-wipe')) frame().style.setProperty('--wipe', event.target.value + '%');
});
