// Without TLS a browser has no clipboard for pages: then what stands in the field is copied, or left selected.
const copied = async field => {
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    return document.execCommand("copy")
  }
}

export default ({ data, parentElement }) => {
  const field = parentElement.querySelector("input"), button = parentElement.querySelector("button")
  field.value = data.link
  button.textContent = "Copy link"
  field.onfocus = () => field.select()
  button.onclick = async () => {
    button.textContent = (await copied(field)) ? "Copied ✓" : "Press Ctrl+C"
  }
}
