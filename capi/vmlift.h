/*
 * vmlift for C, and for every language that can call C.
 *
 * Moves virtual machines across hypervisors: reads and writes their disks, reads and translates
 * their definitions, migrates whole machines.
 *
 *   vmlift_error *err = NULL;
 *   vmlift_disk *disk = NULL;
 *   if (vmlift_disk_open("web-01.vmdk", NULL, &disk, &err) != VMLIFT_OK) {
 *     fprintf(stderr, "%s: %s\n", vmlift_code_name(vmlift_error_code(err)),
 *             vmlift_error_message(err));
 *     vmlift_error_free(err);
 *     return 1;
 *   }
 *   printf("%" PRIu64 " bytes\n", vmlift_disk_size(disk));
 *   vmlift_disk_free(disk);
 *
 * Conventions:
 *
 * 1. Functions are called vmlift_OBJECT_VERB. Objects are opaque; vmlift_OBJECT_free ends one and
 *    accepts NULL. What a later version adds to an object stays hidden in it.
 * 2. What can fail returns VMLIFT_OK or the error's code. The last argument, `err`, may be NULL;
 *    otherwise *err becomes NULL or, after a failure, an error that the caller frees. Its value
 *    before the call does not matter.
 * 3. Results come through pointers before `err`. They are NULL or unchanged after a failure.
 * 4. Strings end with a NUL. Locations and paths are bytes as the system has them; everything
 *    else is UTF-8, except that names found inside images are passed on as they are. A
 *    `const char *` that a function returns belongs to the object it came from; a `char *` given
 *    through a pointer belongs to the caller and goes to vmlift_free.
 * 5. Offsets, lengths and sizes are bytes.
 * 6. An options object or NULL: NULL means the defaults. It can be freed or used again once the
 *    call that took it has returned.
 * 7. One disk may be used from several threads at once. Every other object belongs to one thread
 *    at a time, except a vmlift_cancel.
 * 8. The library prints nothing, handles no signals, never ends the process, and no C++ exception
 *    leaves it.
 * 9. VMLIFT_API(1_0) names the version that brought a function in; no later one takes it away or
 *    changes what it takes. Numbers of enumerators are pinned.
 */
#ifndef VMLIFT_H
#define VMLIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define VMLIFT_API(version) __attribute__((visibility("default")))
#else
#define VMLIFT_API(version)
#endif

/* ---- The library ---------------------------------------------------------------------------- */

/* The version of the library that is running: "0.1.0". */
VMLIFT_API(1_0) const char *vmlift_version(void);

/* Frees what a function gave through a `char **`. Accepts NULL. */
VMLIFT_API(1_0) void vmlift_free(void *memory);

/* ---- Errors --------------------------------------------------------------------------------- */

typedef enum vmlift_code {
  VMLIFT_OK = 0,
  VMLIFT_ERR_TRUNCATED = 1, /* the input ends before the data it promises */
  VMLIFT_ERR_BAD_MAGIC = 2, /* the input is not of the stated format */
  VMLIFT_ERR_BAD_HEADER = 3, /* a header field has an impossible value */
  VMLIFT_ERR_BAD_DESCRIPTOR = 4, /* a VMDK descriptor cannot be understood */
  VMLIFT_ERR_BAD_ARCHIVE = 5, /* an archive is malformed or holds what it must not */
  VMLIFT_ERR_BAD_MANIFEST = 6, /* a manifest cannot be understood */
  VMLIFT_ERR_BAD_XML = 7, /* an XML document is malformed or has a DOCTYPE */
  VMLIFT_ERR_BAD_OVF = 8, /* an OVF descriptor contradicts itself or the standard */
  VMLIFT_ERR_BAD_VMX = 9, /* a VMX file has an impossible line or value */
  VMLIFT_ERR_UNSUPPORTED_VERSION = 10, /* a version that vmlift does not know */
  VMLIFT_ERR_UNSUPPORTED_FEATURE = 11, /* a feature that vmlift does not have */
  VMLIFT_ERR_ENCRYPTED = 12, /* the input is encrypted */
  VMLIFT_ERR_CORRUPT = 13, /* the input contradicts itself */
  VMLIFT_ERR_CHECKSUM_MISMATCH = 14, /* a digest or checksum does not match */
  VMLIFT_ERR_LIMIT = 15, /* a limit of the caller or of the library is exceeded */
  VMLIFT_ERR_REFERENCE_DENIED = 16, /* the policy forbids a reference to another file */
  VMLIFT_ERR_MISSING_EXTENT = 17, /* a file that the input refers to does not exist */
  VMLIFT_ERR_CHAIN_LOOP = 18, /* a chain of images leads back to itself */
  VMLIFT_ERR_UNSAFE_PROBE = 19, /* the format must be stated by the caller */
  VMLIFT_ERR_SOURCE_CHANGED = 20, /* the source changed while it was read */
  VMLIFT_ERR_IN_USE = 21, /* somebody else is using it */
  VMLIFT_ERR_EXISTS = 22, /* the target exists already */
  VMLIFT_ERR_NO_SPACE = 23, /* the target has no room */
  VMLIFT_ERR_IO = 24, /* the operating system reported an input or output error */
  VMLIFT_ERR_PROTOCOL = 25, /* a server broke its protocol */
  VMLIFT_ERR_TIMEOUT = 26, /* no answer in the time allowed */
  VMLIFT_ERR_CANCELLED = 27, /* the caller cancelled the operation */
  VMLIFT_ERR_INCOMPLETE = 28, /* a target whose writing was interrupted */
  VMLIFT_ERR_NOT_FOUND = 29, /* it does not exist */
  VMLIFT_ERR_PERMISSION = 30, /* the operating system forbids it */
  VMLIFT_ERR_INVALID_ARGUMENT = 31, /* an argument of the caller is wrong */
  VMLIFT_ERR_OUT_OF_RANGE = 32, /* a position beyond the end */
  VMLIFT_ERR_NO_MEMORY = 33, /* memory ran out */
  VMLIFT_ERR_INTERNAL = 34, /* a bug in vmlift */
} vmlift_code;

typedef struct vmlift_error vmlift_error;

/* The code's name as it is on the command line and in Python: "Truncated". "OK" for VMLIFT_OK. */
VMLIFT_API(1_0) const char *vmlift_code_name(vmlift_code code);

/* The error's code; VMLIFT_OK for NULL. */
VMLIFT_API(1_0) vmlift_code vmlift_error_code(const vmlift_error *error);

/* What happened and what to do about it, in words. */
VMLIFT_API(1_0) const char *vmlift_error_message(const vmlift_error *error);

/* The file or location concerned; NULL where there is none. */
VMLIFT_API(1_0) const char *vmlift_error_path(const vmlift_error *error);

/* Whether a place in the file is known; *offset is set to it. */
VMLIFT_API(1_0) bool vmlift_error_offset(const vmlift_error *error, uint64_t *offset);

/* The operating system's errno; 0 where there is none. */
VMLIFT_API(1_0) int vmlift_error_os_number(const vmlift_error *error);

VMLIFT_API(1_0) void vmlift_error_free(vmlift_error *error);

/* ---- The table of formats ------------------------------------------------------------------- */

enum {
  VMLIFT_FORMAT_READ = 1,   /* disks of the format are read */
  VMLIFT_FORMAT_WRITE = 2,  /* existing ones are written in place */
  VMLIFT_FORMAT_CREATE = 4, /* new ones are made */
};

/* How many formats there are. */
VMLIFT_API(1_0) size_t vmlift_format_count(void);

/* The name of one ("qcow2"); NULL from the count on. */
VMLIFT_API(1_0) const char *vmlift_format_name(size_t index);

/* A line about it; NULL from the count on. */
VMLIFT_API(1_0) const char *vmlift_format_description(size_t index);

/* VMLIFT_FORMAT_... of all its kinds together. */
VMLIFT_API(1_0) unsigned vmlift_format_abilities(size_t index);

/* The format of what is at `location`; never raw. The caller frees *format. */
VMLIFT_API(1_0) vmlift_code vmlift_probe(const char *location, char **format, vmlift_error **err);

/* ---- How a source is opened ----------------------------------------------------------------- */

typedef struct vmlift_open_options vmlift_open_options;

/* NULL when memory ran out. */
VMLIFT_API(1_0) vmlift_open_options *vmlift_open_options_new(void);
VMLIFT_API(1_0) void vmlift_open_options_free(vmlift_open_options *options);

/* The format's name; NULL or "": probed. Raw must always be stated. */
VMLIFT_API(1_0) vmlift_code vmlift_open_options_set_format(vmlift_open_options *options,
                                                           const char *format, vmlift_error **err);

/* What an image may refer to: "deny", "same-directory", "under=DIR", "any". */
VMLIFT_API(1_0) vmlift_code vmlift_open_options_set_references(vmlift_open_options *options,
                                                               const char *policy,
                                                               vmlift_error **err);

/* A bound on what the input may claim, by name ("virtual_size"). */
VMLIFT_API(1_0) vmlift_code vmlift_open_options_set_limit(vmlift_open_options *options,
                                                          const char *name, uint64_t value,
                                                          vmlift_error **err);

/* An option of the format's own. */
VMLIFT_API(1_0) vmlift_code vmlift_open_options_set_option(vmlift_open_options *options,
                                                           const char *name, const char *value,
                                                           vmlift_error **err);

/* An internal snapshot to be read, by id or name. */
VMLIFT_API(1_0) vmlift_code vmlift_open_options_set_snapshot(vmlift_open_options *options,
                                                             const char *snapshot,
                                                             vmlift_error **err);

VMLIFT_API(1_0) void vmlift_open_options_set_writable(vmlift_open_options *options, bool writable);

/* Opens an image that is marked corrupt. */
VMLIFT_API(1_0) void vmlift_open_options_set_allow_corrupt(vmlift_open_options *options,
                                                           bool allow);

/* Reads images although another process writes to them (qemu-img's -U). What is read may belong to
 * no single point in time. */
VMLIFT_API(1_0) void vmlift_open_options_set_allow_in_use(vmlift_open_options *options,
                                                          bool allow);

/* ---- How a target is made ------------------------------------------------------------------- */

typedef struct vmlift_create_options vmlift_create_options;

/* NULL when memory ran out. */
VMLIFT_API(1_0) vmlift_create_options *vmlift_create_options_new(void);
VMLIFT_API(1_0) void vmlift_create_options_free(vmlift_create_options *options);

/* An option of the format's own, under qemu-img's name ("cluster_size", "65536"). */
VMLIFT_API(1_0) vmlift_code vmlift_create_options_set_option(vmlift_create_options *options,
                                                             const char *name, const char *value,
                                                             vmlift_error **err);

/* A bound on what a server may claim, or "io_timeout", the seconds that it may be silent. */
VMLIFT_API(1_0) vmlift_code vmlift_create_options_set_limit(vmlift_create_options *options,
                                                            const char *name, uint64_t value,
                                                            vmlift_error **err);

/* Stores units compressed. */
VMLIFT_API(1_0) void vmlift_create_options_set_compress(vmlift_create_options *options,
                                                        bool compress);

/* Replaces an existing target in the moment the new one is complete. */
VMLIFT_API(1_0) void vmlift_create_options_set_overwrite(vmlift_create_options *options,
                                                         bool overwrite);

/* ---- Disks ---------------------------------------------------------------------------------- */

typedef struct vmlift_disk vmlift_disk;

/* Opens a disk: a path, a URI, or PACKAGE.ova!MEMBER. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_open(const char *location,
                                             const vmlift_open_options *options,
                                             vmlift_disk **disk, vmlift_error **err);

/* Creates a disk of `size` guest-visible bytes. It gets its name at vmlift_disk_commit. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_create(const char *location, const char *format,
                                               uint64_t size, const vmlift_create_options *options,
                                               vmlift_disk **disk, vmlift_error **err);

/* Closes it. A created disk that was not committed is gone. */
VMLIFT_API(1_0) void vmlift_disk_free(vmlift_disk *disk);

/* The guest-visible size. */
VMLIFT_API(1_0) uint64_t vmlift_disk_size(const vmlift_disk *disk);

/* The name of its format. */
VMLIFT_API(1_0) const char *vmlift_disk_format(const vmlift_disk *disk);

/* Reads exactly `length` guest-visible bytes. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_read(const vmlift_disk *disk, uint64_t offset,
                                             void *buffer, size_t length, vmlift_error **err);

/* Writes. The first error poisons the disk: every later write and the commit answer it. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_write(vmlift_disk *disk, uint64_t offset,
                                              const void *buffer, size_t length,
                                              vmlift_error **err);

/* Makes a range read as zeros. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_zero(vmlift_disk *disk, uint64_t offset, uint64_t length,
                                             vmlift_error **err);

/* Tells that a range is not needed any more: it may read as anything afterwards. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_discard(vmlift_disk *disk, uint64_t offset,
                                                uint64_t length, vmlift_error **err);

/* What was written survives a crash of the machine. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_flush(vmlift_disk *disk, vmlift_error **err);

/* Completes a created disk, flushes it, and gives it its name. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_commit(vmlift_disk *disk, vmlift_error **err);

/* ---- What lies where ------------------------------------------------------------------------ */

enum {
  VMLIFT_EXTENT_PRESENT = 1,    /* allocated in this image or a parent */
  VMLIFT_EXTENT_ZERO = 2,       /* reads as zeros */
  VMLIFT_EXTENT_DATA = 4,       /* bytes are stored for it */
  VMLIFT_EXTENT_COMPRESSED = 8, /* they are stored compressed */
  VMLIFT_EXTENT_HOST = 16,      /* host_offset is known */
};

/* One run of a disk's map. This struct never changes. */
typedef struct vmlift_extent {
  uint64_t offset;
  uint64_t length;
  uint64_t host_offset; /* where plain bytes lie in the image's own file */
  uint32_t depth;       /* 0: this image, 1: its parent, ... */
  uint32_t flags;       /* VMLIFT_EXTENT_... */
} vmlift_extent;

typedef struct vmlift_map vmlift_map;

/* The whole map, neighbours of one kind merged, in ascending order. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_map(const vmlift_disk *disk, vmlift_map **map,
                                            vmlift_error **err);
VMLIFT_API(1_0) void vmlift_map_free(vmlift_map *map);

/* How many extents the map has. */
VMLIFT_API(1_0) size_t vmlift_map_count(const vmlift_map *map);

/* One of them; false from the count on. */
VMLIFT_API(1_0) bool vmlift_map_extent(const vmlift_map *map, size_t index, vmlift_extent *extent);

/* ---- What an image says about itself -------------------------------------------------------- */

enum {
  VMLIFT_INFO_COMPRESSED = 1,
  VMLIFT_INFO_ENCRYPTED = 2,
  VMLIFT_INFO_DIRTY = 4,
  VMLIFT_INFO_CORRUPT = 8,
};

typedef struct vmlift_info vmlift_info;

/* Reads what the image says about itself. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_info(const vmlift_disk *disk, vmlift_info **info,
                                             vmlift_error **err);
VMLIFT_API(1_0) void vmlift_info_free(vmlift_info *info);

VMLIFT_API(1_0) const char *vmlift_info_format(const vmlift_info *info);
VMLIFT_API(1_0) const char *vmlift_info_subformat(const vmlift_info *info);
VMLIFT_API(1_0) uint64_t vmlift_info_virtual_size(const vmlift_info *info);

/* Whether it is known how much room the files take; *size is set to it. */
VMLIFT_API(1_0) bool vmlift_info_stored_size(const vmlift_info *info, uint64_t *size);

/* The bytes in a grain or cluster; 0: it has none. */
VMLIFT_API(1_0) uint64_t vmlift_info_unit_size(const vmlift_info *info);

/* VMLIFT_INFO_... */
VMLIFT_API(1_0) unsigned vmlift_info_flags(const vmlift_info *info);

/* The parent as the image names it; NULL where there is none. */
VMLIFT_API(1_0) const char *vmlift_info_backing_file(const vmlift_info *info);
VMLIFT_API(1_0) const char *vmlift_info_backing_format(const vmlift_info *info);

/* What only this format has: pairs of a name and a value, NULL from the count on. */
VMLIFT_API(1_0) size_t vmlift_info_detail_count(const vmlift_info *info);
VMLIFT_API(1_0) const char *vmlift_info_detail_name(const vmlift_info *info, size_t index);
VMLIFT_API(1_0) const char *vmlift_info_detail_value(const vmlift_info *info, size_t index);

/* The files that the image names: its extents. */
VMLIFT_API(1_0) size_t vmlift_info_file_count(const vmlift_info *info);
VMLIFT_API(1_0) const char *vmlift_info_file(const vmlift_info *info, size_t index);

/* Trouble that opening went on after. */
VMLIFT_API(1_0) size_t vmlift_info_warning_count(const vmlift_info *info);
VMLIFT_API(1_0) const char *vmlift_info_warning(const vmlift_info *info, size_t index);

/* ---- Points in time ------------------------------------------------------------------------- */

typedef struct vmlift_snapshots vmlift_snapshots;

/* The disk's snapshots: an RBD image's, a qcow2 image's internal ones. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_snapshots(const vmlift_disk *disk,
                                                  vmlift_snapshots **snapshots,
                                                  vmlift_error **err);
VMLIFT_API(1_0) void vmlift_snapshots_free(vmlift_snapshots *snapshots);

/* How many there are. */
VMLIFT_API(1_0) size_t vmlift_snapshots_count(const vmlift_snapshots *snapshots);

/* One's id, which is never used again, and its name, which may be; NULL from the count on. */
VMLIFT_API(1_0) const char *vmlift_snapshots_id(const vmlift_snapshots *snapshots, size_t index);
VMLIFT_API(1_0) const char *vmlift_snapshots_name(const vmlift_snapshots *snapshots,
                                                  size_t index);

/* The guest-visible size it has, and when it was taken, in seconds since 1970. */
VMLIFT_API(1_0) uint64_t vmlift_snapshots_size(const vmlift_snapshots *snapshots, size_t index);
VMLIFT_API(1_0) int64_t vmlift_snapshots_created(const vmlift_snapshots *snapshots, size_t index);

/* Takes a snapshot of a disk that is open for writing (RBD). The caller frees *id. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_take_snapshot(vmlift_disk *disk, const char *name,
                                                      char **id, vmlift_error **err);

/* Removes one. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_remove_snapshot(vmlift_disk *disk, const char *id,
                                                        vmlift_error **err);

/* The disk becomes what it was then. VMLIFT_ERR_IN_USE while anybody else has it open. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_roll_back(vmlift_disk *disk, const char *id,
                                                  vmlift_error **err);

/* A new disk at `location` that begins as that snapshot and shares its storage. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_clone_snapshot(vmlift_disk *disk, const char *id,
                                                       const char *location, vmlift_error **err);

/* What was written or discarded since the snapshot of that id (RBD): of each extent of the map
 * offset and length count. VMLIFT_ERR_NOT_FOUND where it is no more. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_changes_since(const vmlift_disk *disk, const char *id,
                                                      vmlift_map **changed, vmlift_error **err);

/* ---- Persistent bitmaps: what changed since somebody asked ---------------------------------- */

enum {
  VMLIFT_BITMAP_ENABLED = 1,    /* it records what is written */
  VMLIFT_BITMAP_CONSISTENT = 2, /* it was saved, and can be trusted */
};

typedef struct vmlift_bitmaps vmlift_bitmaps;

/* The disk's bitmaps: a qcow2 image's, a QEMU export's over NBD. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_bitmaps(const vmlift_disk *disk, vmlift_bitmaps **bitmaps,
                                                vmlift_error **err);
VMLIFT_API(1_0) void vmlift_bitmaps_free(vmlift_bitmaps *bitmaps);

/* How many there are. */
VMLIFT_API(1_0) size_t vmlift_bitmaps_count(const vmlift_bitmaps *bitmaps);

/* One's name (NULL from the count on), the bytes that one of its bits stands for, and
 * VMLIFT_BITMAP_... */
VMLIFT_API(1_0) const char *vmlift_bitmaps_name(const vmlift_bitmaps *bitmaps, size_t index);
VMLIFT_API(1_0) uint64_t vmlift_bitmaps_granularity(const vmlift_bitmaps *bitmaps, size_t index);
VMLIFT_API(1_0) unsigned vmlift_bitmaps_flags(const vmlift_bitmaps *bitmaps, size_t index);

/* What a bitmap marks: of each extent of the map offset and length count. Of an NBD export
 * "qemu:allocation-depth" is what lies in the top image itself. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_bitmap(const vmlift_disk *disk, const char *name,
                                               vmlift_map **marked, vmlift_error **err);

/* Gives a disk just created a bitmap that marks `count` extents: of each offset and length count.
 * `flags`: 0 or VMLIFT_BITMAP_ENABLED. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_add_bitmap(vmlift_disk *disk, const char *name,
                                                   uint64_t granularity, unsigned flags,
                                                   const vmlift_extent *marked, size_t count,
                                                   vmlift_error **err);

/* ---- Whether an image is sound -------------------------------------------------------------- */

typedef struct vmlift_check vmlift_check;

/* Tests the image's own structure. Damage is a result, not an error. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_check(const vmlift_disk *disk, vmlift_check **check,
                                              vmlift_error **err);
VMLIFT_API(1_0) void vmlift_check_free(vmlift_check *check);

/* Whether nothing was found. */
VMLIFT_API(1_0) bool vmlift_check_clean(const vmlift_check *check);

/* Units that are stored but belong to nothing, and units whose place cannot be right. */
VMLIFT_API(1_0) uint64_t vmlift_check_leaked(const vmlift_check *check);
VMLIFT_API(1_0) uint64_t vmlift_check_corrupt(const vmlift_check *check);

/* The first findings, in words; NULL from the count on. */
VMLIFT_API(1_0) size_t vmlift_check_finding_count(const vmlift_check *check);
VMLIFT_API(1_0) const char *vmlift_check_finding(const vmlift_check *check, size_t index);

/* ---- Long operations: how they run and how they are stopped --------------------------------- */

typedef struct vmlift_cancel vmlift_cancel;

/* Stops operations from any thread. NULL when memory ran out. */
VMLIFT_API(1_0) vmlift_cancel *vmlift_cancel_new(void);

/* Every operation that was given `cancel` ends with VMLIFT_ERR_CANCELLED. Not for use in a
 * signal handler. */
VMLIFT_API(1_0) void vmlift_cancel_request(vmlift_cancel *cancel);
VMLIFT_API(1_0) void vmlift_cancel_free(vmlift_cancel *cancel);

/* Called about ten times a second and once at the end, from one thread at a time, which need not
 * be the caller's. Anything but 0 stops the operation: VMLIFT_ERR_CANCELLED. */
typedef int (*vmlift_progress)(void *user, uint64_t done, uint64_t total);

typedef struct vmlift_run_options vmlift_run_options;

/* NULL when memory ran out. */
VMLIFT_API(1_0) vmlift_run_options *vmlift_run_options_new(void);
VMLIFT_API(1_0) void vmlift_run_options_free(vmlift_run_options *options);

/* Worker threads; 0: one for each processor. */
VMLIFT_API(1_0) void vmlift_run_options_set_threads(vmlift_run_options *options, unsigned threads);

VMLIFT_API(1_0) void vmlift_run_options_set_progress(vmlift_run_options *options,
                                                     vmlift_progress progress, void *user);

/* `cancel` must live until the operations that use it have ended. */
VMLIFT_API(1_0) void vmlift_run_options_set_cancel(vmlift_run_options *options,
                                                   vmlift_cancel *cancel);

/* Copies: the target is read back and compared before it gets its name. */
VMLIFT_API(1_0) void vmlift_run_options_set_verify(vmlift_run_options *options, bool verify);

/* Copies: the SHA-256 of the guest-visible bytes is computed while they pass. */
VMLIFT_API(1_0) void vmlift_run_options_set_digest(vmlift_run_options *options, bool digest);

/* Copies: the target gets the source's persistent bitmaps too (qcow2). */
VMLIFT_API(1_0) void vmlift_run_options_set_bitmaps(vmlift_run_options *options, bool bitmaps);

/* ---- Copying, comparing, digesting ---------------------------------------------------------- */

typedef struct vmlift_copy_report vmlift_copy_report;

/* Copies the disk at `source` into a new one of `format` at `target`, which gets its name when
 * it is complete. `report` may be NULL. */
VMLIFT_API(1_0) vmlift_code vmlift_convert(const char *source,
                                           const vmlift_open_options *source_options,
                                           const char *target, const char *format,
                                           const vmlift_create_options *target_options,
                                           const vmlift_run_options *run,
                                           vmlift_copy_report **report, vmlift_error **err);

/* Copies an open disk into one just created, and commits it. `report` may be NULL. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_copy(const vmlift_disk *source, vmlift_disk *target,
                                             const vmlift_run_options *run,
                                             vmlift_copy_report **report, vmlift_error **err);
VMLIFT_API(1_0) void vmlift_copy_report_free(vmlift_copy_report *report);

/* The guest-visible size, and of it: copied as data, found to be zeros, moved as it was stored,
 * shared with the source's file (a reflink). */
VMLIFT_API(1_0) uint64_t vmlift_copy_report_size(const vmlift_copy_report *report);
VMLIFT_API(1_0) uint64_t vmlift_copy_report_data_bytes(const vmlift_copy_report *report);
VMLIFT_API(1_0) uint64_t vmlift_copy_report_zero_bytes(const vmlift_copy_report *report);
VMLIFT_API(1_0) uint64_t vmlift_copy_report_encoded_bytes(const vmlift_copy_report *report);
VMLIFT_API(1_0) uint64_t vmlift_copy_report_shared_bytes(const vmlift_copy_report *report);
VMLIFT_API(1_0) double vmlift_copy_report_seconds(const vmlift_copy_report *report);
VMLIFT_API(1_0) bool vmlift_copy_report_verified(const vmlift_copy_report *report);

/* Lower-case hex; NULL where it was not asked for. */
VMLIFT_API(1_0) const char *vmlift_copy_report_sha256(const vmlift_copy_report *report);

/* The SHA-256 of the guest-visible bytes, lower-case hex. The caller frees *sha256. */
VMLIFT_API(1_0) vmlift_code vmlift_disk_digest(const vmlift_disk *disk,
                                               const vmlift_run_options *run, char **sha256,
                                               vmlift_error **err);

enum {
  VMLIFT_COMPARE_IGNORE_SIZE = 1, /* the longer disk may go on in zeros */
};

/* Whether two disks hold the same bytes. Where they do not, *first_difference (may be NULL) is
 * the first byte that differs. `flags`: VMLIFT_COMPARE_... */
VMLIFT_API(1_0) vmlift_code vmlift_disk_compare(const vmlift_disk *a, const vmlift_disk *b,
                                                unsigned flags, const vmlift_run_options *run,
                                                bool *same, uint64_t *first_difference,
                                                vmlift_error **err);
/* ---- Machines: packages and what defines them ----------------------------------------------- */

typedef struct vmlift_package vmlift_package;

/* Opens an .ova, .ovf, .vmx or libvirt .xml, or a folder with one of them, with the disks in it.
 * `configuration`: an OVF's deployment option, NULL for its default. Of `options` the references
 * and limits count. */
VMLIFT_API(1_0) vmlift_code vmlift_package_open(const char *location, const char *configuration,
                                                const vmlift_open_options *options,
                                                vmlift_package **package, vmlift_error **err);
VMLIFT_API(1_0) void vmlift_package_free(vmlift_package *package);

/* "ova", "ovf", "vmx" or "libvirt". */
VMLIFT_API(1_0) const char *vmlift_package_kind(const vmlift_package *package);

/* The machines as JSON, the document of `vmlift inspect --json`. The caller frees *json. */
VMLIFT_API(1_0) vmlift_code vmlift_package_inspect(const vmlift_package *package, char **json,
                                                   vmlift_error **err);

/* What to know or to solve before the machines are moved, as JSON: {"concerns": [...]}, each with
 * machine, severity ("blocker", "warning", "info"), id, key, message and action. The caller frees
 * *json. */
VMLIFT_API(1_0) vmlift_code vmlift_package_assess(const vmlift_package *package, char **json,
                                                  vmlift_error **err);

/* Opens a disk by the source that the definition gives it ("disk1.vmdk") or by its address
 * ("scsi0:0"). */
VMLIFT_API(1_0) vmlift_code vmlift_package_open_disk(const vmlift_package *package,
                                                     const char *source, vmlift_disk **disk,
                                                     vmlift_error **err);

/* Hashes every file that the manifest lists; VMLIFT_ERR_CHECKSUM_MISMATCH names the first that
 * differs. *files (may be NULL) is how many were hashed: 0 without a manifest. */
VMLIFT_API(1_0) vmlift_code vmlift_package_verify(const vmlift_package *package,
                                                  const vmlift_run_options *run, size_t *files,
                                                  vmlift_error **err);

/* ---- Translating a definition --------------------------------------------------------------- */

typedef struct vmlift_translate_options vmlift_translate_options;

/* NULL when memory ran out. */
VMLIFT_API(1_0) vmlift_translate_options *vmlift_translate_options_new(void);
VMLIFT_API(1_0) void vmlift_translate_options_free(vmlift_translate_options *options);

/* "boot-safe", "tuned", "vmware-compat". */
VMLIFT_API(1_0) vmlift_code vmlift_translate_options_set_profile(
    vmlift_translate_options *options, const char *profile, vmlift_error **err);

/* Overrides one interpretive choice ("machine", "q35"). */
VMLIFT_API(1_0) vmlift_code vmlift_translate_options_set_decision(
    vmlift_translate_options *options, const char *name, const char *value, vmlift_error **err);

/* Where networks go: the YAML text of a --map document. */
VMLIFT_API(1_0) vmlift_code vmlift_translate_options_set_network_map(
    vmlift_translate_options *options, const char *yaml, vmlift_error **err);

/* Folder and format of the disks on the target. */
VMLIFT_API(1_0) vmlift_code vmlift_translate_options_set_disks(vmlift_translate_options *options,
                                                               const char *directory,
                                                               const char *format,
                                                               vmlift_error **err);

/* What a libvirt domain runs under: "kvm" (the default), "qemu", "xen". */
VMLIFT_API(1_0) vmlift_code vmlift_translate_options_set_hypervisor(
    vmlift_translate_options *options, const char *hypervisor, vmlift_error **err);

/* What the target host can do, which the domain then keeps to: libvirt's domcapabilities XML. */
VMLIFT_API(1_0) vmlift_code vmlift_translate_options_set_capabilities(
    vmlift_translate_options *options, const char *xml, vmlift_error **err);

typedef struct vmlift_translation vmlift_translation;

/* Writes every machine in another dialect ("libvirt", "ovf", "vmx", "kubevirt"). */
VMLIFT_API(1_0) vmlift_code vmlift_package_translate(const vmlift_package *package,
                                                     const char *dialect,
                                                     const vmlift_translate_options *options,
                                                     vmlift_translation **translation,
                                                     vmlift_error **err);
VMLIFT_API(1_0) void vmlift_translation_free(vmlift_translation *translation);

/* The documents, one for each machine; NULL from the count on. */
VMLIFT_API(1_0) size_t vmlift_translation_count(const vmlift_translation *translation);
VMLIFT_API(1_0) const char *vmlift_translation_machine(const vmlift_translation *translation,
                                                       size_t index);
VMLIFT_API(1_0) const char *vmlift_translation_file_name(const vmlift_translation *translation,
                                                         size_t index);
VMLIFT_API(1_0) const char *vmlift_translation_text(const vmlift_translation *translation,
                                                    size_t index);

/* What became of every key of the source, as JSON: the document of `--report`. */
VMLIFT_API(1_0) const char *vmlift_translation_report(const vmlift_translation *translation);

/* ---- Defining a machine on its host --------------------------------------------------------- */

/* Defines a libvirt domain from its XML (what vmlift_package_translate to "libvirt" gives) on the
 * libvirt connection `connection` ("qemu:///system"; NULL: libvirt's default). A domain of the same
 * name or UUID is never replaced: VMLIFT_ERR_EXISTS. `uuid` may be NULL; otherwise the caller frees
 * *uuid. Without libvirt: VMLIFT_ERR_UNSUPPORTED_FEATURE. */
VMLIFT_API(1_0) vmlift_code vmlift_vm_define(const char *domain, const char *connection,
                                             char **uuid, vmlift_error **err);

/* What the host behind a connection can do for guests of the kind `hypervisor` ("kvm"), as
 * vmlift_translate_options_set_capabilities takes it; "" where it does not tell. The caller frees
 * *xml. */
VMLIFT_API(1_0) vmlift_code vmlift_host_capabilities(const char *connection,
                                                     const char *hypervisor, char **xml,
                                                     vmlift_error **err);

/* ---- Migrating ------------------------------------------------------------------------------ */

typedef struct vmlift_migrate_options vmlift_migrate_options;

/* NULL when memory ran out. */
VMLIFT_API(1_0) vmlift_migrate_options *vmlift_migrate_options_new(void);
VMLIFT_API(1_0) void vmlift_migrate_options_free(vmlift_migrate_options *options);

/* "qcow2" (the default) or "raw", in an OVA "vmdk", on a server "raw"; "" for the default; and how
 * the disks are made; `create` may be NULL. */
VMLIFT_API(1_0) vmlift_code vmlift_migrate_options_set_disks(
    vmlift_migrate_options *options, const char *format, const vmlift_create_options *create,
    vmlift_error **err);

/* Where the disks go if not into the destination: another folder, which must exist; "rbd:POOL" or
 * "rbd:POOL/NAMESPACE"; or an NBD server ("nbd://HOST", "nbd+unix:///?socket=PATH", nbds as well),
 * where each disk is the export of its name. Not with an OVA. */
VMLIFT_API(1_0) vmlift_code vmlift_migrate_options_set_disk_place(vmlift_migrate_options *options,
                                                                  const char *place,
                                                                  vmlift_error **err);

/* Reads the disk `address` ("scsi0:0"; "MACHINE/scsi0:0" where a package has several machines)
 * from `location`, a DISK as vmlift_disk_open takes it, and not from where the definition says. */
VMLIFT_API(1_0) vmlift_code vmlift_migrate_options_set_source(vmlift_migrate_options *options,
                                                              const char *address,
                                                              const char *location,
                                                              vmlift_error **err);

/* How the definition is translated: profile, decisions, networks. */
VMLIFT_API(1_0) vmlift_code vmlift_migrate_options_set_translation(
    vmlift_migrate_options *options, const vmlift_translate_options *translation,
    vmlift_error **err);

/* How the source is opened: of `open` the references and limits count, and its options for the
 * disks that vmlift_migrate_options_set_source names. */
VMLIFT_API(1_0) vmlift_code vmlift_migrate_options_set_opening(vmlift_migrate_options *options,
                                                               const char *configuration,
                                                               const vmlift_open_options *open,
                                                               vmlift_error **err);

/* Goes on although lock files say that the machine is open. */
VMLIFT_API(1_0) void vmlift_migrate_options_set_ignore_locks(vmlift_migrate_options *options,
                                                             bool ignore);

typedef struct vmlift_migration vmlift_migration;

/* Opens the package and plans its way into the folder `destination`, or, where that ends in
 * ".ova", into an OVA with an OVF and VMDKs. Writes nothing. Of `run` the threads and verify
 * count. */
VMLIFT_API(1_0) vmlift_code vmlift_migration_prepare(const char *package, const char *destination,
                                                     const vmlift_migrate_options *options,
                                                     const vmlift_run_options *run,
                                                     vmlift_migration **migration,
                                                     vmlift_error **err);
VMLIFT_API(1_0) void vmlift_migration_free(vmlift_migration *migration);

/* The plan as JSON. The caller frees *json. */
VMLIFT_API(1_0) vmlift_code vmlift_migration_plan(const vmlift_migration *migration, char **json,
                                                  vmlift_error **err);

/* Runs it, all or nothing; once. *report (`report` may be NULL) is what was done, as JSON; the
 * caller frees it. Of `run` progress and cancel count. */
VMLIFT_API(1_0) vmlift_code vmlift_migration_run(vmlift_migration *migration,
                                                 const vmlift_run_options *run, char **report,
                                                 vmlift_error **err);

#ifdef __cplusplus
}
#endif

#endif /* VMLIFT_H */
