// Where you are, on a phone: the current section's tab comes into view.
document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
