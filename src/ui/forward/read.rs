//! Files and addresses → pixels of the model's size. The browser decodes; a large photo never lies in the page's
//! memory as a whole, and is decoded beside the page's thread where the browser can. Training pictures are decoded here.

use crate::ui::by_name::{object, wait_for};
use crate::ui::fetch::{fetch_bytes, fetch_image};
use crate::ui::store::Store;
use crate::ui::{canvas, dom};
use ditscope_page_state as app;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::forward::Event;
use ditscope_page_state::forward::picture::{self, MOST_BYTES, MOST_PIXELS, Unreadable};
use ditscope_page_state::forward::png;
use js_sys::{Reflect, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, CanvasRenderingContext2d, File, HtmlImageElement, ImageBitmap, Url};

/// Animations say so within so many bytes.
const START_BYTES: i32 = 1 << 16;

/// Reads the first of some files; none is told, too.
pub fn take_file(store: Store, file: Option<File>) {
    store.dispatch(app::Event::Forward(Event::Reading));
    let number = store.peek(|state| state.forward.reading_number());
    let side = store.peek(|state| state.models.config.as_ref().map_or(1, |config| config.image_size()));
    spawn_local(async move {
        let name = file.as_ref().map(File::name).unwrap_or_default();
        let result = match file {
            Some(file) => read_file(&file, side).await,
            None => Err(Unreadable::NoFile),
        };
        // Of another model meanwhile: its number is another, too.
        store.dispatch(app::Event::Forward(Event::Read(number, name, result)));
    });
}

/// The sheet of training pictures at an address.
pub async fn read_sheet(store: Store, address: String) {
    // Decoded here, so that every pixel is as it was trained on.
    let sheet = fetch_bytes(&address).await.and_then(|bytes| png::read(&bytes));
    // Another model may have been chosen meanwhile.
    if store.peek(|state| address.starts_with(state.source().name())) {
        store.dispatch(app::Event::Forward(Event::SheetRead(sheet)));
    }
}

/// The middle square of a picture, `side` pixels wide, and whether the file has more pictures.
async fn read_file(file: &File, side: usize) -> Result<(Pixels, bool), Unreadable> {
    if file.size() == 0.0 {
        return Err(Unreadable::Empty);
    }
    if file.size() > MOST_BYTES {
        return Err(Unreadable::TooManyBytes);
    }
    let kind = file.type_();
    let broken = if kind.starts_with("image/") { Unreadable::Broken } else { Unreadable::NotAPicture };
    let address = Url::create_object_url_with_blob(file).map_err(|_| broken.clone())?;
    let pixels = read_picture(file, &address, side, kind == "image/svg+xml", broken).await;
    let _ = Url::revoke_object_url(&address);
    let pixels = match pixels {
        Err(Unreadable::Altered) => bytes(file).await.and_then(|bytes| png::read(&bytes)).ok_or(Unreadable::Altered),
        other => other,
    };
    let mut small = picture::squared(&pixels?, side);
    picture::flatten(&mut small);
    let is_animated = match file.slice_with_i32_and_i32(0, START_BYTES) {
        Ok(start) => bytes(&start).await.is_some_and(|start| picture::is_animated(&start)),
        Err(_) => false,
    };
    Ok((small, is_animated))
}

async fn read_picture(
    file: &File,
    address: &str,
    side: usize,
    is_drawing: bool,
    broken: Unreadable,
) -> Result<Pixels, Unreadable> {
    // An element knows the size before anything is decoded.
    let image = fetch_image(address).await.ok_or(broken.clone())?;
    let (width, height) = (f64::from(image.natural_width()), f64::from(image.natural_height()));
    if width * height == 0.0 {
        return Err(if is_drawing { Unreadable::NoSize } else { broken });
    }
    if width * height > MOST_PIXELS {
        return Err(Unreadable::TooLarge(width as usize, height as usize));
    }
    let square = width.min(height);
    let large = picture::times(square, side) * side;
    let whole = |(width, height): (f64, f64), context: &CanvasRenderingContext2d, image: &Drawn| {
        let (square, to) = (width.min(height), large as f64);
        let (x, y) = ((width - square) / 2.0, (height - square) / 2.0);
        context.set_image_smoothing_enabled(true);
        let _ = Reflect::set(context, &"imageSmoothingQuality".into(), &"high".into());
        match image {
            Drawn::Element(image) => context
                .draw_image_with_html_image_element_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                    image, x, y, square, square, 0.0, 0.0, to, to,
                ),
            Drawn::Bitmap(bitmap) => context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
                bitmap, x, y, square, square, 0.0, 0.0, to, to,
            ),
        }
    };
    let drawn = if is_drawing {
        Drawn::Element(image)
    } else {
        // Made smaller while it is decoded.
        let factor = large as f64 / square;
        let size = (factor < 1.0).then(|| ((width * factor).ceil(), (height * factor).ceil()));
        Drawn::Bitmap(bitmap(file, size).await.ok_or(broken.clone())?)
    };
    let size = match &drawn {
        Drawn::Element(_) => (width, height),
        Drawn::Bitmap(bitmap) => (f64::from(bitmap.width()), f64::from(bitmap.height())),
    };
    let canvas = canvas::new(large, large).ok_or(broken.clone())?;
    let context = dom::context(&canvas).ok_or(broken.clone())?;
    whole(size, &context, &drawn).map_err(|_| broken)?;
    canvas::pixels(&canvas).await.ok_or(Unreadable::Altered)
}

enum Drawn {
    Element(HtmlImageElement),
    Bitmap(ImageBitmap),
}

/// Decoded, in another size if one is given.
async fn bitmap(blob: &Blob, size: Option<(f64, f64)>) -> Option<ImageBitmap> {
    let fields = size.map(|(width, height)| {
        [("resizeWidth", width.into()), ("resizeHeight", height.into()), ("resizeQuality", "high".into())]
    });
    let options = object(fields.as_ref().map_or(&[], |fields| &fields[..]));
    // By name: a browser without it throws nothing.
    wait_for(&window(), "createImageBitmap", &[blob.into(), options]).await.ok()?.dyn_into().ok()
}

async fn bytes(blob: &Blob) -> Option<Vec<u8>> {
    let buffer = JsFuture::from(blob.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}
