//! QR codes as a picture, as an SVG path and as characters of a terminal.

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use qrcode::{Color, EcLevel, QrCode};

/// The light frame around a code without which scanners do not find it, in modules (ISO/IEC 18004 §9.1).
const QUIET_ZONE: usize = 4;

/// How many pixels one module of the picture takes, as in the reference.
const SCALE: usize = 6;

/// The largest size that cameras of ordinary phones read from a screen across a table.
pub const LARGEST_VERSION: i16 = 10;

/// The modules of a code, with its quiet zone.
#[derive(Debug)]
pub struct Qr {
    version: i16,
    modules: Vec<bool>,
    width: usize,
}

impl Qr {
    /// Error correction level M: a scratch or a reflection on the screen does no harm.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).context("this does not fit into a QR code")?;
        let version = match code.version() {
            qrcode::Version::Normal(version) | qrcode::Version::Micro(version) => version,
        };
        let width = code.width();
        let modules = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { version, modules, width })
    }

    /// From 1 to 40; each is four modules wider than the one before.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Width and height in modules, with the quiet zone.
    pub fn size(&self) -> usize {
        self.width + 2 * QUIET_ZONE
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < self.width);
        inside(x).zip(inside(y)).is_some_and(|(x, y)| self.modules.get(y * self.width + x) == Some(&true))
    }

    /// The `d` of a path that fills the dark modules, one unit each: one bar for each run of a row.
    pub fn svg_path(&self) -> String {
        let mut path = String::new();
        for y in 0..self.size() {
            let mut x = 0;
            while x < self.size() {
                let run = (x..self.size()).take_while(|x| self.is_dark(*x, y)).count();
                if run > 0 {
                    path.extend([format!("M{x} {y}h{run}v1h-{run}z")]);
                }
                x += run.max(1);
            }
        }
        path
    }

    /// The picture as a `data:` URL.
    pub fn png_data_url(&self) -> anyhow::Result<String> {
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(self.png()?)))
    }

    fn png(&self) -> anyhow::Result<Vec<u8>> {
        let side = self.size() * SCALE;
        let side_u32 = u32::try_from(side).context("the picture is too large")?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side_u32, side_u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let pixels: Vec<u8> = (0..side * side)
            .map(|at| if self.is_dark(at % side / SCALE, at / side / SCALE) { 0 } else { u8::MAX })
            .collect();
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(bytes)
    }

    /// Two rows of modules to a line. Both colours are set, so it reads the same on dark and on light
    /// terminals.
    pub fn terminal(&self) -> String {
        const BLACK_ON_WHITE: &str = "\u{1b}[30;107m";
        const PLAIN: &str = "\u{1b}[0m";
        let line = |y: usize| {
            let cells: String = (0..self.size())
                .map(|x| match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                    (false, false) => ' ',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (true, true) => '█',
                })
                .collect();
            format!("{BLACK_ON_WHITE}{cells}{PLAIN}")
        };
        (0..self.size()).step_by(2).map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Secret, SetupCode};

    use super::*;

    /// What a camera would read from a square of modules.
    fn scan(size: usize, scale: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
        let pixels = size * scale;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(pixels, pixels, |x, y| {
            if is_dark(x / scale, y / scale) { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    /// The modules that a path fills, read as a drawing program would.
    fn filled(path: &str) -> Vec<(usize, usize)> {
        let bars = path.split('M').skip(1).map(|bar| {
            let (x, rest) = bar.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (run, _) = rest.split_once('v').unwrap();
            (x.parse::<usize>().unwrap(), y.parse::<usize>().unwrap(), run.parse::<usize>().unwrap())
        });
        bars.flat_map(|(x, y, run)| (x..x + run).map(move |x| (x, y))).collect()
    }

    #[test]
    fn every_form_scans_as_what_was_put_in() {
        let text = "https://gateway.example.com/#bootstrapToken=AbC-_9";
        let qr = Qr::new(text).unwrap();
        let path = filled(&qr.svg_path());
        assert_eq!(scan(qr.size(), 4, |x, y| path.contains(&(x, y))), text);

        let decoder = png::Decoder::new(std::io::Cursor::new(qr.png().unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let side = usize::try_from(reader.next_frame(&mut pixels).unwrap().width).unwrap();
        assert_eq!(scan(side, 1, |x, y| pixels[y * side + x] == 0), text);

        let terminal = qr.terminal();
        let rows: Vec<Vec<char>> = terminal
            .lines()
            .map(|line| line.trim_start_matches("\u{1b}[30;107m").trim_end_matches("\u{1b}[0m").chars().collect())
            .collect();
        let is_dark = |x: usize, y: usize| match rows[y / 2][x] {
            '█' => true,
            '▀' => y.is_multiple_of(2),
            '▄' => !y.is_multiple_of(2),
            _ => false,
        };
        assert_eq!(scan(qr.size(), 4, is_dark), text);
    }

    #[test]
    fn codes_for_ordinary_hosts_stay_small_enough_for_a_camera() {
        for url in [
            "ws://192.168.100.100:18789",
            "wss://gateway.tail1234567.ts.net",
            "wss://openclaw.home.example-family.org:8443/claw",
        ] {
            let code = SetupCode {
                url: url.to_owned(),
                urls: None,
                bootstrap_token: Secret::new("t".repeat(43)),
                expires_at_ms: Some(1_795_199_564_522),
                tls_fingerprint: None,
            };
            let version = Qr::new(&code.encode().unwrap()).unwrap().version();
            assert!(version <= LARGEST_VERSION, "{url} takes version {version}");
        }
    }
}
