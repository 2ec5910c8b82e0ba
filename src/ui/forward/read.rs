//! Files and addresses → pixels of the model's size. The browser decodes; a large photo never lies in the page's
//! memory as a whole, and is decoded beside the page's thread where the browser can.

use crate::ui::dom;
use crate::ui::store::Store;
use ditscope_page_state as app;
use ditscope_page_state::film::Pixels;
use ditscope_page_state::forward::Event;
use ditscope_page_state::forward::picture::{self, MOST_BYTES, MOST_PIXELS, Unreadable};
use js_sys::{Promise, Reflect, Uint8Array};
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, CanvasRenderingContext2d, File, HtmlCanvasElement, HtmlImageElement, ImageBitmap, Response, Url};

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
    let sheet = fetch_picture(&address).await;
    // Another model may have been chosen meanwhile.
    if store.peek(|state| address.starts_with(state.source().name())) {
        store.dispatch(app::Event::Forward(Event::SheetRead(sheet)));
    }
}

/// The picture of a file at an address.
pub async fn fetch_picture(address: &str) -> Option<Pixels> {
    let response: Response = JsFuture::from(window().fetch_with_str(address)).await.ok()?.dyn_into().ok()?;
    let blob: Blob = JsFuture::from(response.blob().ok().filter(|_| response.ok())?).await.ok()?.dyn_into().ok()?;
    let bitmap = bitmap(&blob, None).await?;
    let (width, height) = (bitmap.width(), bitmap.height());
    draw(width, height, |context| context.draw_image_with_image_bitmap(&bitmap, 0.0, 0.0))
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
    Ok((flattened(pixels?, side), is_animated(file).await))
}

async fn read_picture(
    file: &File,
    address: &str,
    side: usize,
    is_drawing: bool,
    broken: Unreadable,
) -> Result<Pixels, Unreadable> {
    // An element knows the size before anything is decoded.
    let image = HtmlImageElement::new().map_err(|_| broken.clone())?;
    load(&image, address).await.ok_or(broken.clone())?;
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
    draw(large as u32, large as u32, |context| whole(size, context, &drawn)).ok_or(broken)
}

enum Drawn {
    Element(HtmlImageElement),
    Bitmap(ImageBitmap),
}

fn flattened(pixels: Pixels, side: usize) -> Pixels {
    let times = pixels.width / side.max(1);
    let mut small = picture::shrink(&pixels, times.max(1));
    picture::flatten(&mut small);
    small
}

/// Waits until a picture's size is known; nothing, if it cannot be read.
async fn load(image: &HtmlImageElement, address: &str) -> Option<()> {
    let promise = Promise::new(&mut |resolve, reject| {
        image.set_onload(Some(&resolve));
        image.set_onerror(Some(&reject));
        image.set_src(address);
    });
    JsFuture::from(promise).await.ok().map(drop)
}

/// Decoded, in another size if one is given.
async fn bitmap(blob: &Blob, size: Option<(f64, f64)>) -> Option<ImageBitmap> {
    let options = js_sys::Object::new();
    if let Some((width, height)) = size {
        for (name, value) in
            [("resizeWidth", width.into()), ("resizeHeight", height.into()), ("resizeQuality", "high".into())]
        {
            let _ = Reflect::set(&options, &name.into(), &value);
        }
    }
    // By name: a browser without it throws nothing.
    let make: js_sys::Function = Reflect::get(&window(), &"createImageBitmap".into()).ok()?.dyn_into().ok()?;
    let promise: Promise = make.call2(&window(), blob, &options).ok()?.dyn_into().ok()?;
    JsFuture::from(promise).await.ok()?.dyn_into().ok()
}

/// Pixels of what is drawn into a canvas of this size.
fn draw(
    width: u32,
    height: u32,
    draw: impl FnOnce(&CanvasRenderingContext2d) -> Result<(), JsValue>,
) -> Option<Pixels> {
    let canvas: HtmlCanvasElement = document().create_element("canvas").ok()?.dyn_into().ok()?;
    canvas.set_width(width);
    canvas.set_height(height);
    let context = dom::context(&canvas)?;
    draw(&context).ok()?;
    let data = context.get_image_data(0.0, 0.0, f64::from(width), f64::from(height)).ok()?;
    Some(Pixels { width: width as usize, height: height as usize, rgba: data.data().to_vec() })
}

async fn is_animated(file: &File) -> bool {
    let Ok(start) = file.slice_with_i32_and_i32(0, START_BYTES) else { return false };
    let bytes = JsFuture::from(start.array_buffer()).await;
    bytes.is_ok_and(|buffer| picture::is_animated(&Uint8Array::new(&buffer).to_vec()))
}
