#include "sigtape/training/data/zip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>

#include "sigtape/framework/check.h"
#include "sigtape/training/data/number.h"
#include "sigtape/training/io/checksum.h"
#include "sigtape/training/io/files.h"

namespace sigtape {

namespace {

constexpr std::uint32_t end_mark = 0x06054b50, end64_mark = 0x06064b50,
                        locator_mark = 0x07064b50, central_mark = 0x02014b50,
                        local_mark = 0x04034b50;
constexpr std::uint64_t end_bytes = 22, end64_bytes = 56, locator_bytes = 20,
                        central_bytes = 46, local_bytes = 30,
                        longest_comment = 65535;
/// Stands for a number that is in the zip64 extra field.
constexpr std::uint64_t escape16 = 0xFFFF, escape32 = 0xFFFFFFFF;
/// Deflate packs 258 bytes into no less than two bits.
constexpr std::uint64_t largest_ratio = 1032;

// Numbers and texts of a file at checked places.
class Bytes {
 public:
  Bytes(std::span<const std::byte> content, const std::string& source)
      : content_(content), source_(source) {}

  std::uint64_t size() const { return content_.size(); }
  std::span<const std::byte> part(std::uint64_t at, std::uint64_t count) const {
    require<DataError>(at <= size() && count <= size() - at, source_,
                       ": expected ", count, " bytes at byte ", at,
                       " of the zip file, found the end of the file");
    return content_.subspan(at, count);
  }
  // A little-endian number of `count` bytes.
  std::uint64_t number(std::uint64_t at, std::uint64_t count) const {
    std::uint64_t value = 0;
    const auto bytes = part(at, count);
    for (std::size_t i = count; i-- > 0;) {
      value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    }
    return value;
  }
  bool has_mark(std::uint64_t at, std::uint32_t mark) const {
    return at <= size() && size() - at >= 4 && number(at, 4) == mark;
  }
  void need_mark(std::uint64_t at, std::uint32_t mark, const char* what) const {
    require<DataError>(has_mark(at, mark), source_, ": expected ", what,
                       " at byte ", at, " of the zip file, found other bytes");
  }
  const std::string& source() const { return source_; }

 private:
  std::span<const std::byte> content_;
  const std::string& source_;
};

// Where the central directory is and how many members it lists.
struct Directory {
  std::uint64_t offset, members;
};

std::uint64_t find_end(const Bytes& file) {
  require<DataError>(file.size() >= end_bytes, file.source(),
                     ": expected a zip file, found ", file.size(), " bytes");
  const std::uint64_t last = file.size() - end_bytes;
  for (std::uint64_t back = 0; back <= std::min(last, longest_comment);
       ++back) {
    if (file.has_mark(last - back, end_mark)) return last - back;
  }
  fail<DataError>(file.source(),
                  ": expected a zip file, found no end of its directory (it "
                  "may be truncated)");
}

Directory find_directory(const Bytes& file) {
  const std::uint64_t end = find_end(file);
  Directory directory{file.number(end + 16, 4), file.number(end + 10, 2)};
  if (end >= locator_bytes &&
      file.has_mark(end - locator_bytes, locator_mark)) {
    const std::uint64_t end64 = file.number(end - locator_bytes + 8, 8);
    file.need_mark(end64, end64_mark, "the zip64 end of the directory");
    file.part(end64, end64_bytes);
    directory = {file.number(end64 + 48, 8), file.number(end64 + 32, 8)};
  }
  return directory;
}

// Replaces the sizes and the offset that are escaped, from the extra field.
void read_zip64(const Bytes& file, std::uint64_t at, std::uint64_t count,
                ZipEntry& entry) {
  const std::uint64_t end = at + count;
  while (end - at >= 4) {
    const std::uint64_t tag = file.number(at, 2), size = file.number(at + 2, 2);
    at += 4;
    if (size > end - at) return;
    if (tag == 1) {
      const std::uint64_t stop = at + size;
      for (auto* field : {&entry.bytes, &entry.packed_bytes, &entry.offset}) {
        if (*field != escape32) continue;
        require<DataError>(stop - at >= 8, file.source(),
                           ": expected zip64 sizes of ", in_quotes(entry.name),
                           ", found too few bytes");
        *field = file.number(at, 8);
        at += 8;
      }
      return;
    }
    at += size;
  }
}

// Reads the entry at `at` of the central directory and moves behind it.
ZipEntry read_entry(const Bytes& file, std::uint64_t& at) {
  file.need_mark(at, central_mark, "a directory entry");
  file.part(at, central_bytes);
  const std::uint64_t name_bytes = file.number(at + 28, 2),
                      extra_bytes = file.number(at + 30, 2);
  ZipEntry entry;
  entry.name = as_text(file.part(at + central_bytes, name_bytes));
  file.part(at + central_bytes + name_bytes, extra_bytes);
  const std::uint64_t flags = file.number(at + 8, 2),
                      method = file.number(at + 10, 2);
  require<DataError>((flags & 1) == 0, file.source(), ": expected member ",
                     in_quotes(entry.name), " readable, found it encrypted");
  require<DataError>(method == 0 || method == 8, file.source(),
                     ": expected member ", in_quotes(entry.name),
                     " stored or deflated, found compression method ", method);
  entry.deflated = method == 8;
  entry.crc = static_cast<std::uint32_t>(file.number(at + 16, 4));
  entry.packed_bytes = file.number(at + 20, 4);
  entry.bytes = file.number(at + 24, 4);
  entry.offset = file.number(at + 42, 4);
  read_zip64(file, at + central_bytes + name_bytes, extra_bytes, entry);
  at += central_bytes + name_bytes + extra_bytes + file.number(at + 32, 2);
  return entry;
}

// Moves entry.offset from the member's own header to its packed bytes.
void skip_local_header(const Bytes& file, ZipEntry& entry) {
  file.need_mark(entry.offset, local_mark, "the header of a member");
  file.part(entry.offset, local_bytes);
  const std::uint64_t skip = local_bytes + file.number(entry.offset + 26, 2) +
                             file.number(entry.offset + 28, 2);
  entry.offset += skip;
  file.part(entry.offset, entry.packed_bytes);
}

void check_sizes(const ZipEntry& entry, const std::string& source) {
  const bool possible = entry.deflated
                            ? entry.bytes / largest_ratio <= entry.packed_bytes
                            : entry.bytes == entry.packed_bytes;
  require<DataError>(possible, source, ": expected at most ",
                     entry.deflated ? "1032 times " : "", entry.packed_bytes,
                     " bytes in member ", in_quotes(entry.name), ", found ",
                     entry.bytes, " declared");
}

void check_apart(std::vector<ZipEntry> entries, const std::string& source) {
  const auto by_offset = [](const ZipEntry& a, const ZipEntry& b) {
    return a.offset < b.offset;
  };
  std::sort(entries.begin(), entries.end(), by_offset);
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const ZipEntry& before = entries[i - 1];
    require<DataError>(entries[i].offset - before.offset >= before.packed_bytes,
                       source, ": expected members apart, found ",
                       in_quotes(before.name), " and ",
                       in_quotes(entries[i].name), " overlapping");
  }
}

std::vector<std::byte> inflated(std::span<const std::byte> packed,
                                const ZipEntry& entry,
                                const std::string& source) {
  std::vector<std::byte> bytes(entry.bytes);
  z_stream stream = {};
  require<MemoryError>(inflateInit2(&stream, -MAX_WBITS) == Z_OK, source,
                       ": no memory to unpack ", in_quotes(entry.name));
  constexpr std::uint64_t most = std::numeric_limits<uInt>::max();
  stream.next_in = reinterpret_cast<Bytef*>(
      const_cast<std::byte*>(packed.data()));  // zlib only reads it
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  std::uint64_t in = packed.size(), out = bytes.size();
  int status = Z_OK;
  while (status == Z_OK) {
    stream.avail_in = static_cast<uInt>(std::min(in, most));
    stream.avail_out = static_cast<uInt>(std::min(out, most));
    in -= stream.avail_in;
    out -= stream.avail_out;
    status = inflate(&stream, Z_NO_FLUSH);
    in += stream.avail_in;
    out += stream.avail_out;
  }
  inflateEnd(&stream);
  require<DataError>(status == Z_STREAM_END && out == 0 && in == 0, source,
                     ": expected member ", in_quotes(entry.name),
                     " to unpack to ", entry.bytes,
                     " bytes, found damaged data");
  return bytes;
}

class Writer {
 public:
  void number(std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i) {
      bytes_.push_back(static_cast<std::byte>(value >> 8 * i & 0xFF));
    }
  }
  void append(std::span<const std::byte> part) {
    bytes_.insert(bytes_.end(), part.begin(), part.end());
  }
  // The fields that local header and directory entry share.
  void member(const ZipMember& member) {
    number(20, 2);    // version 2.0 extracts it
    number(0, 2);     // flags
    number(0, 2);     // stored
    number(0, 2);     // 00:00
    number(0x21, 2);  // 1980-01-01
    number(crc32_of(member.bytes), 4);
    number(member.bytes.size(), 4);
    number(member.bytes.size(), 4);
    number(member.name.size(), 2);
    number(0, 2);  // extra
  }
  std::uint64_t size() const { return bytes_.size(); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

void check_representable(const std::vector<ZipMember>& members) {
  std::uint64_t total = end_bytes;
  for (const ZipMember& member : members) {
    require(member.name.size() < escape16, "zip: a member's name is too long");
    total += member.bytes.size() + 2 * member.name.size() + local_bytes +
             central_bytes;
  }
  require(total < escape32 && members.size() < escape16,
          "zip: expected less than 4 GiB and 65535 members, got ", total,
          " bytes and ", members.size(), " members");
}

}  // namespace

std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> content,
                                         const std::string& source,
                                         std::uint64_t limit) {
  const Bytes file(content, source);
  const Directory directory = find_directory(file);
  std::vector<ZipEntry> entries;
  std::set<std::string> names;
  std::uint64_t at = directory.offset, total = 0;
  for (std::uint64_t i = 0; i < directory.members; ++i) {
    ZipEntry entry = read_entry(file, at);
    skip_local_header(file, entry);
    check_sizes(entry, source);
    require<DataError>(entry.bytes <= limit - total, source,
                       ": expected at most ", limit,
                       " bytes unpacked, found more");
    total += entry.bytes;
    require<DataError>(names.insert(entry.name).second, source,
                       ": expected member ", in_quotes(entry.name),
                       " once, found it again");
    entries.push_back(std::move(entry));
  }
  check_apart(entries, source);
  return entries;
}

std::vector<std::byte> read_zip_entry(std::span<const std::byte> content,
                                      const ZipEntry& entry,
                                      const std::string& source) {
  const auto packed =
      Bytes(content, source).part(entry.offset, entry.packed_bytes);
  std::vector<std::byte> bytes =
      entry.deflated ? inflated(packed, entry, source)
                     : std::vector<std::byte>(packed.begin(), packed.end());
  const std::uint32_t crc = crc32_of(bytes);
  require<DataError>(crc == entry.crc, source, ": expected checksum ",
                     crc32_text(entry.crc), " of member ",
                     in_quotes(entry.name), ", found ", crc32_text(crc));
  return bytes;
}

std::vector<std::byte> encode_zip(const std::vector<ZipMember>& members) {
  check_representable(members);
  Writer file, directory;
  for (const ZipMember& member : members) {
    directory.number(central_mark, 4);
    directory.number(20, 2);  // made by version 2.0
    directory.member(member);
    directory.number(0, 8);  // comment, disk, attributes
    directory.number(0, 2);
    directory.number(file.size(), 4);
    directory.append(as_bytes(member.name));
    file.number(local_mark, 4);
    file.member(member);
    file.append(as_bytes(member.name));
    file.append(member.bytes);
  }
  const std::uint64_t offset = file.size(), bytes = directory.size();
  file.append(directory.take());
  file.number(end_mark, 4);
  file.number(0, 4);  // this disk and that of the directory
  file.number(members.size(), 2);
  file.number(members.size(), 2);
  file.number(bytes, 4);
  file.number(offset, 4);
  file.number(0, 2);  // comment
  return file.take();
}

}  // namespace sigtape
