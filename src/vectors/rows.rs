//! Rows of `code_chunks` and their Arrow form.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type};
use arrow_array::{ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::domain::Hash;

/// One chunk of one file with its vector.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkRow {
    /// Unique in the table; see [`ChunkRow::id`].
    pub chunk_id: String,
    /// Of unit length.
    pub vector: Vec<f32>,
    /// Header and body, as embedded.
    pub text: String,
    /// `FilePath::escaped`
    pub file_path: String,
    pub content_hash: Hash,
    pub chunk_hash: Hash,
    pub model_id: String,
    pub entity_type: String,
    pub entity_name: String,
    pub language: String,
    /// From 1, inclusive.
    pub start_line: u32,
    pub end_line: u32,
}

impl ChunkRow {
    /// Id of the `nth` (from 0) chunk of this hash in this file: the same chunk keeps it when it moves inside the file.
    pub fn id(file_path: &str, chunk_hash: &Hash, nth: u32) -> String {
        let id = Hash::of_fields([file_path.as_bytes(), chunk_hash.as_bytes(), &nth.to_le_bytes()]);
        let mut text = id.to_string();
        text.truncate(32);
        text
    }
}

/// A vector with all that it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedVector {
    pub chunk_hash: Hash,
    pub model_id: String,
    pub vector: Vec<f32>,
}

pub(super) const COLUMNS: &[&str] = &[
    "chunk_id",
    "vector",
    "text",
    "file_path",
    "content_hash",
    "chunk_hash",
    "model_id",
    "entity_type",
    "entity_name",
    "language",
    "start_line",
    "end_line",
];

/// The columns, with vectors of this length.
pub(super) fn schema(dimensions: usize) -> SchemaRef {
    let field = |name: &&str| match *name {
        "vector" => Field::new(*name, DataType::FixedSizeList(vector_item(), list_size(dimensions)), false),
        "start_line" | "end_line" => Field::new(*name, DataType::UInt32, false),
        _ => Field::new(*name, DataType::Utf8, false),
    };
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
}

fn vector_item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, true))
}

fn list_size(dimensions: usize) -> i32 {
    i32::try_from(dimensions).unwrap_or(i32::MAX)
}

/// The length of a table's vectors; `None` if it has other columns or other types.
pub(super) fn dimensions_of(found: &Schema) -> Option<usize> {
    let DataType::FixedSizeList(_, size) = found.field_with_name("vector").ok()?.data_type() else { return None };
    let dimensions = usize::try_from(*size).ok()?;
    let expected = schema(dimensions);
    let is_same = |field: &Arc<Field>| match (found.field_with_name(field.name()), field.name().as_str()) {
        (Ok(_), "vector") => true,
        (Ok(found), _) => found.data_type() == field.data_type(),
        (Err(_), _) => false,
    };
    (found.fields().len() == expected.fields().len() && expected.fields().iter().all(is_same)).then_some(dimensions)
}

/// Rows with vectors of this length; another one is an error.
pub(super) fn to_batch(rows: &[ChunkRow], dimensions: usize) -> Result<RecordBatch, ArrowError> {
    fn text<'r>(rows: &'r [ChunkRow], of: impl Fn(&'r ChunkRow) -> &'r str) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
    }
    let hex = |of: fn(&ChunkRow) -> &Hash| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| of(row).to_string())))
    };
    let number =
        |of: fn(&ChunkRow) -> u32| -> ArrayRef { Arc::new(UInt32Array::from_iter_values(rows.iter().map(of))) };
    let floats = Float32Array::from_iter_values(rows.iter().flat_map(|row| row.vector.iter().copied()));
    let vectors = FixedSizeListArray::try_new(vector_item(), list_size(dimensions), Arc::new(floats), None)?;
    let columns: Vec<ArrayRef> = vec![
        text(rows, |row| &row.chunk_id),
        Arc::new(vectors),
        text(rows, |row| &row.text),
        text(rows, |row| &row.file_path),
        hex(|row| &row.content_hash),
        hex(|row| &row.chunk_hash),
        text(rows, |row| &row.model_id),
        text(rows, |row| &row.entity_type),
        text(rows, |row| &row.entity_name),
        text(rows, |row| &row.language),
        number(|row| row.start_line),
        number(|row| row.end_line),
    ];
    RecordBatch::try_new(schema(dimensions), columns)
}

/// The rows of a batch that has every column; a batch that has not gives none.
pub(super) fn from_batch(batch: &RecordBatch) -> Vec<ChunkRow> {
    (0..batch.num_rows()).filter_map(|index| row(batch, index)).collect()
}

fn row(batch: &RecordBatch, index: usize) -> Option<ChunkRow> {
    let text = |name| Some(strings(batch, name)?.value(index).to_owned());
    let hash = |name| Hash::from_hex(strings(batch, name)?.value(index));
    let number = |name| Some(batch.column_by_name(name)?.as_primitive_opt::<UInt32Type>()?.value(index));
    Some(ChunkRow {
        chunk_id: text("chunk_id")?,
        vector: vector(batch, index)?,
        text: text("text")?,
        file_path: text("file_path")?,
        content_hash: hash("content_hash")?,
        chunk_hash: hash("chunk_hash")?,
        model_id: text("model_id")?,
        entity_type: text("entity_type")?,
        entity_name: text("entity_name")?,
        language: text("language")?,
        start_line: number("start_line")?,
        end_line: number("end_line")?,
    })
}

/// Chunk hash and vector of each row.
pub(super) fn vectors(batch: &RecordBatch) -> Vec<(Hash, Vec<f32>)> {
    let Some(hashes) = strings(batch, "chunk_hash") else { return Vec::new() };
    (0..batch.num_rows())
        .filter_map(|index| Some((Hash::from_hex(hashes.value(index))?, vector(batch, index)?)))
        .collect()
}

/// The vector of each row, with its chunk and model.
pub(super) fn owned_vectors(batch: &RecordBatch) -> Vec<OwnedVector> {
    let (Some(hashes), Some(models)) = (strings(batch, "chunk_hash"), strings(batch, "model_id")) else {
        return Vec::new();
    };
    let owned = |index| {
        let chunk_hash = Hash::from_hex(hashes.value(index))?;
        Some(OwnedVector { chunk_hash, model_id: models.value(index).to_owned(), vector: vector(batch, index)? })
    };
    (0..batch.num_rows()).filter_map(owned).collect()
}

/// A text column, row by row.
pub(super) fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let texts = strings(batch, name).into_iter().flat_map(|texts| texts.iter().flatten());
    texts.map(str::to_owned).collect()
}

/// Two text columns, row by row.
pub(super) fn text_pairs(batch: &RecordBatch, first: &str, second: &str) -> Vec<(String, String)> {
    match (strings(batch, first), strings(batch, second)) {
        (Some(first), Some(second)) => {
            (0..batch.num_rows()).map(|index| (first.value(index).to_owned(), second.value(index).to_owned())).collect()
        }
        _ => Vec::new(),
    }
}

/// Chunk id, model and vector of each row.
pub(super) fn id_vectors(batch: &RecordBatch) -> Vec<(String, String, Vec<f32>)> {
    let (Some(ids), Some(models)) = (strings(batch, "chunk_id"), strings(batch, "model_id")) else { return Vec::new() };
    let one = |index: usize| Some((ids.value(index).to_owned(), models.value(index).to_owned(), vector(batch, index)?));
    (0..batch.num_rows()).filter_map(one).collect()
}

/// Chunk id and cosine of each row of a search's result. LanceDB gives the cosine distance, which is one less the cosine.
pub(super) fn scores(batch: &RecordBatch) -> Vec<(String, f32)> {
    let distances = batch.column_by_name("_distance").and_then(|column| column.as_primitive_opt::<Float32Type>());
    match (strings(batch, "chunk_id"), distances) {
        (Some(ids), Some(distances)) => {
            (0..batch.num_rows()).map(|index| (ids.value(index).to_owned(), 1.0 - distances.value(index))).collect()
        }
        _ => Vec::new(),
    }
}

fn strings<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    batch.column_by_name(name)?.as_string_opt()
}

fn vector(batch: &RecordBatch, index: usize) -> Option<Vec<f32>> {
    let list = batch.column_by_name("vector")?.as_fixed_size_list_opt()?.value(index);
    Some(list.as_primitive_opt::<Float32Type>()?.values().to_vec())
}
