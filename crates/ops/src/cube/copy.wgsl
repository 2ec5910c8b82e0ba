// y = x, number by number.

#read x f32
#write y f32
#info

@compute @workgroup_size(UNITS)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x + id.y * info[1];
    if i < info[0] {
        y[i] = x[i];
    }
}
