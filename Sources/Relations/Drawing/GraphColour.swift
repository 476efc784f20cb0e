/// The colours of a drawn graph, on paper; a page that shows it in the dark exchanges them.
package enum GraphColour {
    package static let paper = "#ffffff"
    package static let text = "#1d2733"
    package static let quiet = "#68737f"
    package static let line = "#5b6b7b"
    package static let cycle = "#d9822b"
    package static let dangling = "#c62828"
}
