/** Every application that the image has, as the launcher shows it. */
export const applications = [
  ["gtk3-demo.desktop", "GTK Demo"],
  ["gtk3-icon-browser.desktop", "Icon Browser"],
  ["gtk3-widget-factory.desktop", "Widget Factory"],
  ["l3afpad.desktop", "L3afpad"],
  ["org.cleanroom.Files.desktop", "Files"],
  ["org.cleanroom.Terminal.desktop", "Terminal"],
  ["org.xfce.mousepad.desktop", "Mousepad"],
] as const;
