//! Joins what an editor sends into the drawing that it was made from.
//!
//! The editor knows a part of what drawings hold, and writes that part in its own way. Therefore it sends
//! two drawings: what it wrote right after it had read the old one, and what it writes now. What differs
//! between these two was done by somebody, and is done to the old drawing, pair by pair; everything else stays
//! as it stands there. Entities are told apart by their handles:
//!
//! - one that says the same in both stays, and so does one that the editor never had;
//! - one that was changed keeps its handle, owner, reactors, extended data and whatever did not change;
//! - one that the editor had and does not send any more was erased;
//! - one that the editor did not have is added, under another handle where its own is taken, with the blocks,
//!   layers and styles that it needs.
//!
//! An editor that sends one drawing alone is compared with the old drawing itself, more carefully: what it
//! leaves out it may not know.

mod names;
mod write;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::DrawingError;
use crate::dxf::{Dxf, Pair, handle, kind, name};
use crate::encoding::{fitted, is_unicode};
use crate::entity::{
    Author, Changes, Entity, MODELLED, Made, changed, changes, entities, in_paper,
};
use crate::tables::{Key, Table, blocks, by_name, changed_layer, tables};
use crate::unfold;

use write::{Out, Writer, copy, groups, handle_out, hex, owner_of, shift, write_shifted};

/// A merged drawing, and what became of its entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The drawing.
    pub dxf: Vec<u8>,
    /// Entities that stayed as they were.
    pub kept: usize,
    /// Entities that were changed.
    pub changed: usize,
    /// Entities that were added.
    pub added: usize,
    /// Entities that were erased.
    pub erased: usize,
}

/// Joins `sent` into `base`. All are text DXF; `base` has handles (see [`crate::normalised`]). `sent` holds
/// two drawings, one behind the other: what the editor wrote of `base` before anybody changed it, and what it
/// writes now; or the second alone.
///
/// # Errors
/// When one of them is no drawing or the outcome would be too large.
pub fn merge(base: &[u8], sent: &[u8]) -> Result<Merged, DrawingError> {
    let old = Dxf::read(base)?;
    let (first, rest) = Dxf::read_first(sent)?;
    let second = if rest.trim_ascii().is_empty() {
        None
    } else {
        Some(Dxf::read(rest)?)
    };
    let (seen, new, author) = match &second {
        Some(second) => (&first, second, Author::Same),
        None => (&old, &first, Author::Other),
    };
    for dxf in [seen, new] {
        if !dxf.has_section(b"ENTITIES") {
            return Err(DrawingError::unreadable("it has no section of entities"));
        }
    }
    // What nobody could open again is refused, also where the merge would leave it out.
    unfold::check(new)?;
    let merged = Joiner::new(&old, seen, new, author).join()?;
    // What is stored has to open again.
    unfold::check(&Dxf::read(&merged.dxf)?)?;
    Ok(merged)
}

/// What becomes of an entity of the old drawing.
enum Fate {
    Stays,
    IsErased,
    /// Positions of what the editor had and of what it has now.
    MayChange(usize, usize),
}

struct Joiner<'d, 'a> {
    old: &'d Dxf<'a>,
    seen: &'d Dxf<'a>,
    new: &'d Dxf<'a>,
    author: Author,
    old_tables: Vec<Table>,
    old_names: HashMap<Key, Range<usize>>,
    new_tables: Vec<Table>,
    new_names: HashMap<Key, Range<usize>>,
    new_blocks: HashMap<Vec<u8>, Range<usize>>,
    /// Kinds of the old drawing's records by their handles.
    taken: HashMap<u64, &'a [u8]>,
    /// Kinds of the new drawing's records by their handles; `None` where two share one.
    sent: HashMap<u64, Option<&'a [u8]>>,
    /// What the new drawing's handles have become.
    mapped: HashMap<u64, u64>,
    next_handle: u64,
    /// Names that blocks of the new drawing have got.
    renamed: HashMap<Vec<u8>, Vec<u8>>,
    brought_tables: HashMap<Vec<u8>, Vec<Vec<Out<'a>>>>,
    brought_blocks: Vec<Vec<Out<'a>>>,
    /// How deep inside blocks we are.
    nesting: usize,
    from_unicode: bool,
    to_unicode: bool,
}

impl<'d, 'a> Joiner<'d, 'a> {
    fn new(old: &'d Dxf<'a>, seen: &'d Dxf<'a>, new: &'d Dxf<'a>, author: Author) -> Self {
        let (old_tables, new_tables) = (tables(old), tables(new));
        let mut taken = HashMap::new();
        let mut sent: HashMap<u64, Option<&'a [u8]>> = HashMap::new();
        for record in old.records(0..old.pairs.len()) {
            let pairs = old.record(&record);
            if let Some(handle) = handle(pairs) {
                taken.insert(handle, kind(pairs));
            }
        }
        for record in new.records(0..new.pairs.len()) {
            let pairs = new.record(&record);
            if let Some(handle) = handle(pairs) {
                let seen = sent.contains_key(&handle);
                sent.insert(handle, (!seen).then(|| kind(pairs)));
            }
        }
        let promised = old
            .header(b"$HANDSEED")
            .and_then(|text| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok())
            .unwrap_or(0);
        let highest = taken.keys().copied().max().unwrap_or(0);
        Self {
            old_names: by_name(old, &old_tables),
            new_names: by_name(new, &new_tables),
            new_blocks: blocks(new),
            from_unicode: is_unicode(new),
            to_unicode: is_unicode(old),
            // A damaged seed may be as large as it likes; the highest handle is what counts.
            next_handle: if promised > highest && promised < u64::MAX >> 1 {
                promised
            } else {
                highest.saturating_add(1)
            },
            old,
            seen,
            new,
            author,
            old_tables,
            new_tables,
            taken,
            sent,
            mapped: HashMap::new(),
            renamed: HashMap::new(),
            brought_tables: HashMap::new(),
            brought_blocks: Vec::new(),
            nesting: 0,
        }
    }

    fn join(mut self) -> Result<Merged, DrawingError> {
        let mine = entities(self.old, self.old.section(b"ENTITIES"));
        let before = entities(self.seen, self.seen.section(b"ENTITIES"));
        let theirs = entities(self.new, self.new.section(b"ENTITIES"));
        self.map_names();
        let (fates, fresh) = self.compared(&mine, &before, &theirs);
        for at in &fresh {
            self.take_handles(&theirs[*at].all);
        }
        let ranges: Vec<_> = fresh.iter().map(|at| theirs[*at].all.clone()).collect();
        self.bring_tables(&ranges);
        let mut merged = Merged {
            dxf: Vec::new(),
            kept: 0,
            changed: 0,
            added: fresh.len(),
            erased: 0,
        };
        let mut body: Vec<Out<'a>> = Vec::new();
        for (entity, fate) in mine.iter().zip(fates) {
            let is_changed = match fate {
                Fate::IsErased => {
                    merged.erased += 1;
                    continue;
                }
                Fate::Stays => false,
                Fate::MayChange(was, is) => {
                    self.write_changed(entity, &before[was], &theirs[is], &mut body)
                }
            };
            if is_changed {
                merged.changed += 1;
            } else {
                merged.kept += 1;
                copy(&self.old.pairs[entity.all.clone()], &mut body);
            }
        }
        for at in fresh {
            self.write_new(&theirs[at], &mut body);
        }
        merged.dxf = self.written(&body)?;
        Ok(merged)
    }

    /// What becomes of each entity of the old drawing, and which ones of the new drawing are new. Handle
    /// and kind make an entity.
    fn compared(
        &self,
        mine: &[Entity],
        before: &[Entity],
        theirs: &[Entity],
    ) -> (Vec<Fate>, Vec<usize>) {
        let places = |dxf: &Dxf<'a>, list: &[Entity]| {
            let mut places: HashMap<(u64, &'a [u8]), usize> = HashMap::new();
            for (at, entity) in list.iter().enumerate() {
                if let Some(handle) = entity.handle {
                    let kind = kind(dxf.record(&entity.head));
                    places.entry((handle, kind)).or_insert(at);
                }
            }
            places
        };
        let (was, is) = (places(self.seen, before), places(self.new, theirs));
        let sends_paper = theirs
            .iter()
            .any(|entity| in_paper(self.new.record(&entity.head)));
        let fates = mine.iter().map(|entity| {
            let head = self.old.record(&entity.head);
            let Some(key) = entity.handle.map(|handle| (handle, kind(head))) else {
                return Fate::Stays;
            };
            // One that the editor may not know is not erased by being left out.
            let is_known = self.author == Author::Same
                || (MODELLED.contains(&key.1) && (sends_paper || !in_paper(head)));
            match (was.get(&key), is.get(&key)) {
                (Some(was), Some(is)) => Fate::MayChange(*was, *is),
                (Some(_), None) if is_known => Fate::IsErased,
                _ => Fate::Stays,
            }
        });
        let fates = fates.collect();
        let fresh = theirs.iter().enumerate().filter(|(at, entity)| {
            let kind = kind(self.new.record(&entity.head));
            // The end of a sequence whose head the editor wrote as one that has none.
            if matches!(kind, b"VERTEX" | b"ATTRIB" | b"SEQEND") {
                return false;
            }
            let Some(key) = entity.handle.map(|handle| (handle, kind)) else {
                return true;
            };
            // Of two with one handle the first is the known one.
            !was.contains_key(&key) || is.get(&key) != Some(at)
        });
        let fresh = fresh.map(|(at, _)| at).collect();
        (fates, fresh)
    }

    fn write_new(&mut self, entity: &Entity, body: &mut Vec<Out<'a>>) {
        let owner = self.space(in_paper(self.new.record(&entity.head)));
        let head = self.rewritten(&entity.head, None, owner);
        let head = self.with_handle(head);
        let own = handle_out(&head).or(owner);
        body.extend(head);
        let followers = entity.head.end..entity.all.end;
        let followers: Vec<Range<usize>> = self.new.records(followers).collect();
        for record in followers {
            let record = self.rewritten(&record, None, own);
            let record = self.with_handle(record);
            body.extend(record);
        }
    }

    /// Whatever is new has a handle.
    fn with_handle(&mut self, mut record: Vec<Out<'a>>) -> Vec<Out<'a>> {
        if handle_out(&record).is_none() && !record.is_empty() {
            let given = self.give_handle();
            record.insert(1, (5, hex(given)));
        }
        record
    }

    /// An entity with what was changed of it; `false`, and nothing is written, when that is nothing.
    fn write_changed(
        &mut self,
        of: &Entity,
        was: &Entity,
        is: &Entity,
        body: &mut Vec<Out<'a>>,
    ) -> bool {
        let parts = |dxf: &Dxf<'a>, entity: &Entity| -> Vec<Range<usize>> {
            dxf.records(entity.all.clone()).collect()
        };
        let (mine, before, theirs) = (
            parts(self.old, of),
            parts(self.seen, was),
            parts(self.new, is),
        );
        let as_many = mine.len() == before.len() && mine.len() == theirs.len();
        let differing: Vec<Changes<'a>> = before
            .iter()
            .zip(&theirs)
            .map(|(was, is)| changes(self.seen.record(was), self.new.record(is), self.author))
            .collect();
        if before.len() == theirs.len() && differing.iter().all(Changes::is_empty) {
            return false;
        }
        // An editor that knows the head alone leaves what follows it as it is.
        let head_alone = before.len() == 1 && theirs.len() == 1;
        if as_many || head_alone {
            let made: Option<Vec<_>> = mine
                .iter()
                .zip(&differing)
                .map(|(record, changes)| changed(self.old.record(record), changes))
                .collect();
            if let Some(made) = made {
                let is_dimension = kind(self.old.record(&of.head)) == b"DIMENSION";
                let shift = shift(self.old.record(&of.head), &differing[0]);
                for record in &made {
                    self.write_made(record, is_dimension, is, body);
                }
                for record in &mine[made.len()..] {
                    write_shifted(self.old.record(record), shift, body);
                }
                return true;
            }
        }
        self.write_replaced(of, is, body);
        true
    }

    /// A record with changes in it. A dimension that was changed has another picture.
    fn write_made(
        &mut self,
        record: &[Made<'a>],
        is_dimension: bool,
        is: &Entity,
        body: &mut Vec<Out<'a>>,
    ) {
        let picture = if is_dimension {
            name(self.new.record(&is.head)).and_then(|name| self.block_for(name, true))
        } else {
            None
        };
        for made in record {
            let value = match (&picture, made) {
                (Some(picture), made) if made.code() == 2 => Cow::Owned(picture.clone()),
                (_, Made::Kept(pair)) => Cow::Borrowed(pair.value),
                (_, Made::New(pair)) => fitted(pair.value, self.from_unicode, self.to_unicode),
                (_, Made::Number(_, number)) => Cow::Owned(number.to_string().into_bytes()),
            };
            body.push((made.code(), value));
        }
    }

    /// The new pairs under the old handle and owner, with the old reactors, extension dictionary and
    /// extended data: for what has other parts than before.
    fn write_replaced(&mut self, of: &Entity, sent: &Entity, body: &mut Vec<Out<'a>>) {
        let followers: Vec<Range<usize>> = self.new.records(sent.head.end..sent.all.end).collect();
        for record in &followers {
            self.take_handles(record);
        }
        let old = self.old;
        let kept = old.record(&of.head);
        let owner = owner_of(kept);
        if let Some(theirs) = sent.handle {
            self.mapped.insert(theirs, theirs);
        }
        let mut head = self.rewritten(&sent.head, None, owner);
        let at = head
            .iter()
            .position(|(code, _)| *code == 5)
            .map_or(1, |at| at + 1);
        let at = at.min(head.len());
        head.splice(at..at, groups(kept));
        let applications = |pairs: &[Pair<'_>]| -> HashSet<Vec<u8>> {
            let named = pairs.iter().filter(|pair| pair.code == 1001);
            named
                .map(|pair| pair.trimmed().to_ascii_lowercase())
                .collect()
        };
        let told = applications(self.new.record(&sent.head));
        let mut keeps = false;
        for pair in kept {
            if pair.code == 1001 {
                keeps = !told.contains(&pair.trimmed().to_ascii_lowercase());
            }
            if keeps && pair.code >= 1000 {
                head.push((pair.code, Cow::Borrowed(pair.value)));
            }
        }
        let own = handle_out(&head);
        body.extend(head);
        for record in followers {
            let record = self.rewritten(&record, None, own);
            let record = self.with_handle(record);
            body.extend(record);
        }
    }

    /// The whole drawing: the old one's pairs, with what was brought along in its places.
    fn written(&self, body: &[Out<'a>]) -> Result<Vec<u8>, DrawingError> {
        let old = self.old;
        let mut out = Writer::new(old.line_end);
        let entities = old.section(b"ENTITIES");
        let blocks_end = old.section(b"BLOCKS").end;
        let ends: HashMap<usize, &Table> = self
            .old_tables
            .iter()
            .map(|table| (table.end, table))
            .collect();
        let layers = self.changed_layers();
        let seed = old.pairs[old.section(b"HEADER")]
            .iter()
            .position(|pair| pair.is(9, b"$HANDSEED"))
            .map(|at| old.section(b"HEADER").start + at + 1);
        let mut at = 0;
        while at < old.pairs.len() {
            if let Some(table) = ends.get(&at) {
                for record in self.brought_tables.get(&table.name).into_iter().flatten() {
                    out.write_all(record);
                }
            }
            if at == blocks_end && blocks_end > 0 {
                for block in &self.brought_blocks {
                    out.write_all(block);
                }
            }
            if at == entities.start && old.has_section(b"ENTITIES") {
                out.write_all(body);
                at = entities.end;
                if at >= old.pairs.len() {
                    break;
                }
            }
            if let Some((end, pairs)) = layers.get(&at) {
                for (code, value) in pairs {
                    out.write(*code, value);
                }
                at = *end;
                continue;
            }
            let pair = &old.pairs[at];
            if seed == Some(at) {
                out.write(pair.code, &hex(self.next_handle));
            } else {
                out.write(pair.code, pair.value);
            }
            at += 1;
        }
        out.done()
    }

    /// Layers of the old drawing that the new one shows otherwise, by where they begin.
    fn changed_layers(&self) -> HashMap<usize, (usize, Vec<Out<'a>>)> {
        let mut found = HashMap::new();
        let seen_names = by_name(self.seen, &tables(self.seen));
        for table in self
            .old_tables
            .iter()
            .filter(|table| table.name == b"LAYER")
        {
            for record in &table.records {
                let pairs = self.old.record(record);
                let key = name(pairs).map(|name| (b"LAYER".to_vec(), name.to_ascii_lowercase()));
                let Some(key) = key else { continue };
                let (was, is) = (seen_names.get(&key), self.new_names.get(&key));
                let (Some(was), Some(is)) = (was, is) else {
                    continue;
                };
                let (was, is) = (self.seen.record(was), self.new.record(is));
                if let Some(changed) = changed_layer(pairs, was, is) {
                    let pairs = changed
                        .into_iter()
                        .map(|pair| {
                            let value = fitted(pair.value, self.from_unicode, self.to_unicode);
                            (pair.code, value)
                        })
                        .collect();
                    found.insert(record.start, (record.end, pairs));
                }
            }
        }
        found
    }
}
