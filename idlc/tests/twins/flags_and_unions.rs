/// How to draw.
#[derive(Alpc)]
#[alpc(
    flags(
        /// Fill it.
        FILLED = 0x1,
        DASHED = 0x2,
        BOTH = FILLED | 0x2,
        REST = !BOTH,
    ),
    name = "acme.draw.Style"
)]
pub struct Style(u8);

#[derive(Alpc)]
#[alpc(name = "acme.draw.Shape")]
pub enum Shape {
    Empty,
    /// A circle.
    #[alpc(tag = 7)]
    Circle {
        #[alpc(min = 1)]
        radius: u32,
        #[alpc(default = Style::FILLED | Style::DASHED)]
        style: Style,
        #[alpc(added = "1.1")]
        name: Option<String>,
    },
    Line(u32, #[alpc(max = "30s")] Duration),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[derive(Alpc)]
#[alpc(final, name = "acme.draw.Answer")]
pub enum Answer {
    No,
    Yes(Uuid),
    Perhaps {
        #[alpc(max = 100)]
        chance: u8,
    },
}

#[derive(Alpc)]
#[alpc(union, name = "acme.draw.Switch")]
pub enum Switch {
    On,
    Off,
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[alpc_interface(
    uuid = "0f0e0d0c-0b0a-4908-8706-050403020100",
    version = "1.0",
    name = "acme.draw.Canvas"
)]
pub trait Canvas {
    fn draw(
        &self,
        cx: &Call<'_>,
        #[max(64)] shapes: Vec<Shape>,
        #[copy]
        #[default(Style::NONE)]
        style: Style,
    ) -> BTreeMap<Style, Answer>;

    fn turn(&self, cx: &Call<'_>, switch: Switch) -> Option<Switch>;
}
