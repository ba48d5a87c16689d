//! Two short notes when somebody asks, where the person wants to hear them.

use leptos::prelude::set_timeout;
use std::time::Duration;
use wasm_bindgen::JsValue;
use web_sys::AudioContext;

use super::page::{is_kept, keep};

/// Where this browser keeps that it should ring.
const WANTS_SOUND: &str = "openclaw.sound";

/// Pitch in hertz and beginning in seconds.
const NOTES: [(f32, f64); 2] = [(659.3, 0.0), (880.0, 0.14)];
const NOTE_SECONDS: f64 = 0.25;
const LOUDNESS: f32 = 0.12;

pub fn wants_sound() -> bool {
    is_kept(WANTS_SOUND)
}

pub fn want_sound(wants: bool) {
    keep(WANTS_SOUND, wants);
}

/// Rings, if that is wanted. Browsers keep a page silent that nobody has touched yet.
pub fn ring() {
    if wants_sound() {
        let _ = play();
    }
}

fn play() -> Result<(), JsValue> {
    let audio = AudioContext::new()?;
    for (pitch, begin) in NOTES {
        let (tone, volume) = (audio.create_oscillator()?, audio.create_gain()?);
        tone.frequency().set_value(pitch);
        let at = audio.current_time() + begin;
        volume.gain().set_value_at_time(LOUDNESS, at)?;
        volume.gain().exponential_ramp_to_value_at_time(0.001, at + NOTE_SECONDS)?;
        tone.connect_with_audio_node(&volume)?.connect_with_audio_node(&audio.destination())?;
        tone.start_with_when(at)?;
        tone.stop_with_when(at + NOTE_SECONDS)?;
    }
    set_timeout(move || drop(audio.close()), Duration::from_secs(1));
    Ok(())
}
