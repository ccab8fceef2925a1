// One step is one entry of the browser's history. Streamlit pushes one for the page somebody goes to, whose links drop
// the query string, and would push another when the page then completes its own address: the way back would lead to a
// half address first. What nobody asked for, by pointer or key, since the page was entered replaces the entry instead.
// The completed query string may even come before the page's path: pushed, it would be the page that is being left with
// a query of the next. That is dropped; Streamlit keeps it for the push of the path.
const HELD = Symbol.for("tapewatch address")

if (!window[HELD]) {
  window[HELD] = true
  let untouched = false
  let leaving = false
  const push = history.pushState.bind(history)
  history.pushState = (state, unused, url) => {
    if (new URL(url ?? "", location.href).pathname !== location.pathname) {
      untouched = true
      leaving = false
      push(state, unused, url)
    } else if (untouched) history.replaceState(state, unused, url)
    else if (!leaving) push(state, unused, url)
  }
  const touched = () => (untouched = leaving = false)
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, touched, true)
  const clicked = (event) => {
    const link = event.target.closest?.("a[href]")
    const here = link && !link.target && !(event.ctrlKey || event.metaKey || event.shiftKey)
    if (here && link.origin === location.origin && link.pathname !== location.pathname) leaving = true
  }
  addEventListener("click", clicked, true)
}
