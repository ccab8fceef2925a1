// Notices that the page has gone silent. The module stays while pages come and go: it keeps the last beat.
let last, lastMs, seenMs = Date.now(), veil

const look = () => {
  const now = Date.now()
  if (now < Math.max(lastMs + last.silent_s * 1000, seenMs + 3000)) return veil?.remove()
  if (!veil) {
    veil = document.createElement("div")
    veil.setAttribute("role", "alert")
    veil.style.cssText = "position:fixed;inset:0;z-index:2147483000;pointer-events:none;backdrop-filter:grayscale(1)"
    veil.append(document.createElement("strong"))
    veil.firstChild.style.cssText =
      "position:absolute;top:0;left:0;right:0;padding:10px;text-align:center;background:#ffd166;color:#201500"
  }
  const since = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: last.zone }).format(lastMs)
  veil.firstChild.textContent = `No connection since ${since}: what you see is from then.`
  if (!veil.isConnected) document.body.append(veil)
}

export default ({ data }) => {
  if (!last) {
    setInterval(look, 1000)
    // A hidden page is not kept up to date; when it is looked at again it has a moment to catch up.
    document.addEventListener("visibilitychange", () => (seenMs = Date.now()))
  }
  last = data
  lastMs = Date.now()
  look()
}
