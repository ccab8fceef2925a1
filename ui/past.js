// Tints and frames the whole page while a moment of the past is on it: a theme has no colours for one page alone.
const AMBER = "rgba(201, 133, 0, 0.11)"

export default () => {
  const app = document.querySelector('[data-testid="stApp"]')
  const layers = [app, ...document.querySelectorAll('[data-testid="stHeader"], [data-testid="stSidebar"]')]
  for (const layer of layers) layer.style.backgroundImage = `linear-gradient(${AMBER}, ${AMBER})`
  const edge = document.createElement("div")
  edge.style.cssText = "position:fixed;inset:0;z-index:1000000;pointer-events:none;border:4px solid #c98500"
  app.append(edge)
  app.dataset.past = "true"
  return () => {
    for (const layer of layers) layer.style.backgroundImage = ""
    edge.remove()
    delete app.dataset.past
  }
}
