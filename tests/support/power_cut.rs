//! A disk that forgets: an SQLite VFS over the system's own, in which a write stays in memory until its file is synced. When the power is
//! cut, what was not synced is gone, or some sectors of it, as chance has it; every later operation fails. What is then on the real disk is
//! what a machine would find that starts again.
//!
//! Locks and shared memory are the system's: they are no part of what a disk keeps. All connections are to be used by one thread.
#![expect(unsafe_code, reason = "SQLite takes a VFS as a table of C functions, and rusqlite has no safe form of it")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::fs::{self, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use rusqlite::ffi;

/// What a disk writes in one go or not at all.
const SECTOR: usize = 512;

/// A machine whose power can be cut. Databases are on its disk if they are opened by [`Machine::uri`].
pub struct Machine {
    name: CString,
    vfs: *mut ffi::sqlite3_vfs,
    disk: Rc<Disk>,
}

struct Disk {
    system: *mut ffi::sqlite3_vfs,
    files: RefCell<BTreeMap<CString, Rc<RefCell<Image>>>>,
    /// Writes, truncations, syncs and deletions so far.
    operations: Cell<u64>,
    /// The one at which the power goes.
    last_operation: u64,
    off: Cell<bool>,
}

/// A file as the programs see it, and what of it the disk has not got yet.
#[derive(Default)]
struct Image {
    bytes: Vec<u8>,
    dirty: BTreeSet<usize>,
    /// Length of the file on the real disk.
    synced_len: usize,
    /// Removed, but its directory was not synced: the real file is still there.
    removed: bool,
}

impl Machine {
    /// One whose power goes at the given operation that changes the disk.
    pub fn with_power_for(operations: u64) -> Self {
        static MACHINES: AtomicU64 = AtomicU64::new(0);
        let number = MACHINES.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("power-cut-{number}")).unwrap();
        // SAFETY: a null name asks for the default VFS, which is there as long as the process.
        let system = unsafe { ffi::sqlite3_vfs_find(std::ptr::null()) };
        assert!(!system.is_null());
        let disk = Rc::new(Disk {
            system,
            files: RefCell::default(),
            operations: Cell::new(0),
            last_operation: operations,
            off: Cell::new(false),
        });
        // SAFETY: it was found above; a VFS is plain data.
        let mut vfs = unsafe { *system };
        vfs.iVersion = 2;
        vfs.szOsFile = size_of::<File>() as c_int;
        vfs.pNext = std::ptr::null_mut();
        vfs.zName = name.as_ptr();
        vfs.pAppData = Rc::as_ptr(&disk).cast_mut().cast();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        vfs.xAccess = Some(access);
        let vfs = Box::into_raw(Box::new(vfs));
        // SAFETY: `vfs`, its name and its data live until `drop`, which unregisters it first.
        assert_eq!(unsafe { ffi::sqlite3_vfs_register(vfs, 0) }, ffi::SQLITE_OK);
        Self { name, vfs, disk }
    }

    /// The name under which SQLite opens a database on this machine's disk.
    pub fn uri(&self, path: &Path) -> PathBuf {
        PathBuf::from(format!("file:{}?vfs={}", path.to_str().unwrap(), self.name.to_str().unwrap()))
    }

    /// Operations so far that change the disk.
    pub fn operations(&self) -> u64 {
        self.disk.operations.get()
    }

    /// Cuts the power, if it has not gone by itself, and leaves on the real disk what was synced, and of the rest each sector for which
    /// `survives` says so. The programs that were running die.
    pub fn cut(self, programs: Vec<Connection>, mut survives: impl FnMut() -> bool) {
        self.disk.off.set(true);
        drop(programs);
        for (name, image) in self.disk.files.borrow_mut().iter() {
            let path = PathBuf::from(OsStr::from_bytes(name.to_bytes()));
            image.borrow_mut().lose(&path, &mut survives);
            let mut memory = path.into_os_string();
            memory.push("-shm");
            let _ = fs::remove_file(memory);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: registered in `with_power_for`; the test has closed its connections.
        unsafe {
            ffi::sqlite3_vfs_unregister(self.vfs);
            drop(Box::from_raw(self.vfs));
        }
    }
}

impl Disk {
    /// Counts an operation; false if the power is gone.
    fn works(&self) -> bool {
        self.operations.set(self.operations.get() + 1);
        if self.operations.get() > self.last_operation {
            self.off.set(true);
        }
        !self.is_off()
    }

    fn is_off(&self) -> bool {
        self.off.get()
    }
}

impl Image {
    fn write(&mut self, data: &[u8], at: usize) {
        let end = at + data.len();
        if self.bytes.len() < end {
            let old = self.bytes.len();
            self.bytes.resize(end, 0);
            self.dirty.extend(old / SECTOR..=(end - 1) / SECTOR);
        }
        self.bytes[at..end].copy_from_slice(data);
        self.dirty.extend(at / SECTOR..=(end - 1) / SECTOR);
    }

    fn truncate(&mut self, len: usize) {
        self.bytes.resize(len, 0);
        self.dirty.retain(|sector| sector * SECTOR < len);
    }

    /// Position and content of a sector; nothing beyond the end.
    fn sector(&self, sector: usize) -> (usize, &[u8]) {
        let start = sector * SECTOR;
        (start, self.bytes.get(start..self.bytes.len().min(start + SECTOR)).unwrap_or_default())
    }

    /// Leaves on the real disk some of what was not synced.
    fn lose(&self, path: &Path, survives: &mut impl FnMut() -> bool) {
        if self.removed && survives() {
            fs::remove_file(path).unwrap();
            return;
        }
        let Ok(file) = OpenOptions::new().write(true).open(path) else { return };
        if self.bytes.len() < self.synced_len && survives() {
            file.set_len(self.bytes.len() as u64).unwrap();
        }
        for &sector in &self.dirty {
            if survives() {
                let (at, content) = self.sector(sector);
                file.write_all_at(content, at as u64).unwrap();
            }
        }
    }
}

/// What SQLite holds of an open file.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    opened: *mut Opened,
}

struct Opened {
    disk: Rc<Disk>,
    image: Rc<RefCell<Image>>,
    /// The system's file, in memory of the size that it asks for.
    system: Box<[u64]>,
}

impl Opened {
    fn system(&mut self) -> *mut ffi::sqlite3_file {
        self.system.as_mut_ptr().cast()
    }

    /// Table of the system's functions.
    fn methods(&mut self) -> &'static ffi::sqlite3_io_methods {
        // SAFETY: the system's VFS has set it at `open`, and its tables are static.
        unsafe { &*(*self.system()).pMethods }
    }

    /// Brings the real file up to what the programs see. It needs no real sync: the power of the real machine stays on.
    fn sync(&mut self) -> c_int {
        let image = self.image.clone();
        let mut image = image.borrow_mut();
        let (file, methods) = (self.system(), self.methods());
        for sector in std::mem::take(&mut image.dirty) {
            let (at, content) = image.sector(sector);
            let len = content.len() as c_int;
            // SAFETY: `content` has `len` bytes, and the file is open.
            let code = unsafe { methods.xWrite.unwrap()(file, content.as_ptr().cast(), len, at as i64) };
            if code != ffi::SQLITE_OK {
                return code;
            }
        }
        image.synced_len = image.bytes.len();
        // SAFETY: the file is open.
        unsafe { methods.xTruncate.unwrap()(file, image.synced_len as i64) }
    }
}

/// # Safety
/// `vfs` is one that [`Machine::with_power_for`] made.
unsafe fn disk(vfs: *mut ffi::sqlite3_vfs) -> Rc<Disk> {
    // SAFETY: `pAppData` came from an `Rc` that the machine still holds.
    unsafe {
        let disk = (*vfs).pAppData.cast_const().cast::<Disk>();
        Rc::increment_strong_count(disk);
        Rc::from_raw(disk)
    }
}

/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn opened<'f>(file: *mut ffi::sqlite3_file) -> &'f mut Opened {
    // SAFETY: the connections are used by one thread, and no call of SQLite's into a file happens within another.
    unsafe { &mut *(*file.cast::<File>()).opened }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands in its own arguments: a file of the size that the VFS asked for, a name that outlives it or null.
    unsafe {
        (*file).pMethods = std::ptr::null();
        let disk = disk(vfs);
        if disk.is_off() {
            return ffi::SQLITE_CANTOPEN;
        }
        let size = (*disk.system).szOsFile as usize;
        let image = Rc::default();
        let mut opened = Box::new(Opened { disk, image, system: vec![0; size.div_ceil(8)].into_boxed_slice() });
        let system = opened.disk.system;
        let code = (*system).xOpen.unwrap()(system, name, opened.system(), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        if !name.is_null() {
            opened.image = image_of(&mut opened, CStr::from_ptr(name).to_owned());
        }
        (*file.cast::<File>()).opened = Box::into_raw(opened);
        (*file).pMethods = &raw const METHODS;
    }
    ffi::SQLITE_OK
}

/// The image that all who have this file open share; at first it is what the real file holds.
fn image_of(opened: &mut Opened, name: CString) -> Rc<RefCell<Image>> {
    let disk = opened.disk.clone();
    let mut files = disk.files.borrow_mut();
    let known = files.entry(name).or_insert_with(|| {
        let bytes = read_whole(opened);
        Rc::new(RefCell::new(Image { synced_len: bytes.len(), bytes, ..Image::default() }))
    });
    // made again after it was removed
    known.borrow_mut().removed = false;
    known.clone()
}

fn read_whole(opened: &mut Opened) -> Vec<u8> {
    let (file, methods) = (opened.system(), opened.methods());
    let mut len = 0;
    // SAFETY: the file is open.
    assert_eq!(unsafe { methods.xFileSize.unwrap()(file, &raw mut len) }, ffi::SQLITE_OK);
    let mut bytes = vec![0; len as usize];
    // SAFETY: `bytes` has `len` bytes.
    let code = unsafe { methods.xRead.unwrap()(file, bytes.as_mut_ptr().cast(), len as c_int, 0) };
    assert_eq!(code, ffi::SQLITE_OK);
    bytes
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: SQLite hands in a name that ends with a zero.
    unsafe {
        let disk = disk(vfs);
        if !disk.works() {
            return ffi::SQLITE_IOERR_DELETE;
        }
        let mut files = disk.files.borrow_mut();
        let known = CStr::from_ptr(name).to_owned();
        if sync_directory == 0
            && let Some(image) = files.get(&known)
        {
            let mut image = image.borrow_mut();
            image.truncate(0);
            image.removed = true;
            return ffi::SQLITE_OK;
        }
        files.remove(&known);
        (*disk.system).xDelete.unwrap()(disk.system, name, sync_directory)
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: as in `delete`; `result` is SQLite's.
    unsafe {
        let disk = disk(vfs);
        let known = disk.files.borrow_mut().get(CStr::from_ptr(name)).cloned();
        match known {
            // as the system's VFS: an empty file counts as none
            Some(image) if flags == ffi::SQLITE_ACCESS_EXISTS => {
                let image = image.borrow_mut();
                *result = c_int::from(!image.removed && !image.bytes.is_empty());
                ffi::SQLITE_OK
            }
            _ => (*disk.system).xAccess.unwrap()(disk.system, name, flags, result),
        }
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: made by `open`; SQLite does not use it again.
    unsafe {
        let mut opened = Box::from_raw((*file.cast::<File>()).opened);
        let (system, methods) = (opened.system(), opened.methods());
        methods.xClose.unwrap()(system)
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: `into` has room for `len` bytes.
    let (opened, into) = unsafe { (opened(file), std::slice::from_raw_parts_mut(into.cast::<u8>(), len as usize)) };
    if opened.disk.is_off() {
        return ffi::SQLITE_IOERR_READ;
    }
    let image = opened.image.borrow_mut();
    let there = image.bytes.get(at as usize..).unwrap_or_default();
    let copied = there.len().min(into.len());
    into[..copied].copy_from_slice(&there[..copied]);
    into[copied..].fill(0);
    if copied == into.len() { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, len: c_int, at: i64) -> c_int {
    // SAFETY: `from` has `len` bytes.
    let (opened, from) = unsafe { (opened(file), std::slice::from_raw_parts(from.cast::<u8>(), len as usize)) };
    if !opened.disk.works() {
        return ffi::SQLITE_IOERR_WRITE;
    }
    opened.image.borrow_mut().write(from, at as usize);
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: SQLite's own file.
    let opened = unsafe { opened(file) };
    if !opened.disk.works() {
        return ffi::SQLITE_IOERR_TRUNCATE;
    }
    opened.image.borrow_mut().truncate(len as usize);
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite's own file.
    let opened = unsafe { opened(file) };
    if opened.disk.works() { opened.sync() } else { ffi::SQLITE_IOERR_FSYNC }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, len: *mut i64) -> c_int {
    // SAFETY: SQLite's own file and number.
    unsafe { *len = opened(file).image.borrow_mut().bytes.len() as i64 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite's own file.
    let opened = unsafe { opened(file) };
    if opened.disk.is_off() {
        return ffi::SQLITE_IOERR_LOCK;
    }
    // SAFETY: the system's file is open.
    unsafe { opened.methods().xLock.unwrap()(opened.system(), level) }
}

unsafe extern "C" fn file_control(_file: *mut ffi::sqlite3_file, _op: c_int, _arg: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: the system's file is open.
    unsafe {
        let opened = opened(file);
        opened.methods().xShmBarrier.unwrap()(opened.system());
    }
}

/// Functions that the system's file answers.
macro_rules! forwarded {
    ($($name:ident => $method:ident($($arg:ident: $type:ty),*)),+ $(,)?) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $arg: $type)*) -> c_int {
            // SAFETY: the system's file is open, and the arguments are SQLite's own.
            unsafe {
                let opened = opened(file);
                opened.methods().$method.unwrap()(opened.system() $(, $arg)*)
            }
        })+
    };
}

forwarded! {
    unlock => xUnlock(level: c_int),
    check_reserved_lock => xCheckReservedLock(result: *mut c_int),
    sector_size => xSectorSize(),
    device_characteristics => xDeviceCharacteristics(),
    shm_map => xShmMap(page: c_int, size: c_int, extend: c_int, into: *mut *mut c_void),
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int),
    shm_unmap => xShmUnmap(delete: c_int),
}
