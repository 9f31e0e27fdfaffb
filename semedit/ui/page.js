() => {
  // Sliders that are moved by keys, or by typing a number, are let go of as those under a pointer are.
  const letGo = (range) => range && range.dispatchEvent(new Event('pointerup', { bubbles: true }));
  document.addEventListener('keyup', (event) => {
    const moves = event.key.startsWith('Arrow') || event.key.startsWith('Page') || ['Home', 'End'].includes(event.key);
    if (moves && event.target.matches("[id^='slider-'] input[type='range']")) letGo(event.target);
  });
  document.addEventListener('focusout', (event) => {
    const slider = event.target.matches("input[type='number']") && event.target.closest("[id^='slider-']");
    if (slider) setTimeout(() => letGo(slider.querySelector("input[type='range']")), 150);
  });
}
