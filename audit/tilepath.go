package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// tileID names the first hashes of a tile.
type tileID struct {
	level int
	n     uint64
	width int
}

// within reports whether a tree of that size has these hashes.
func (id tileID) within(size uint64) bool {
	hashes := size >> (8 * id.level)
	return id.n*tileWidth+uint64(id.width) <= hashes
}

// maxLevel is the highest level of tiles that a log below maxSize has.
const maxLevel = 7

// path is where C2SP tlog-tiles has the tile, below "tile/".
func (id tileID) path() string {
	n := id.n
	p := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		p = fmt.Sprintf("x%03d/%s", n%1000, p)
	}
	p = strconv.Itoa(id.level) + "/" + p
	if id.width < tileWidth {
		p += ".p/" + strconv.Itoa(id.width)
	}
	return p
}

// parseTilePath reads what path writes, and nothing else.
func parseTilePath(p string) (tileID, bool) {
	id := tileID{width: tileWidth}
	level, rest, ok := strings.Cut(p, "/")
	if !ok || len(p) > 64 {
		return id, false
	}
	if number, width, partial := strings.Cut(rest, ".p/"); partial {
		id.width, rest = atoi(width), number
		if id.width < 1 || id.width >= tileWidth {
			return id, false
		}
	}
	id.level = atoi(level)
	for part := range strings.SplitSeq(rest, "/") {
		// -1 stands for all zeros; comparing with path tells the rest.
		d := max(0, atoi(strings.TrimLeft(strings.TrimPrefix(part, "x"), "0")))
		if id.n > maxSize/1000 {
			return id, false
		}
		id.n = id.n*1000 + uint64(d)
	}
	return id, id.level >= 0 && id.level <= maxLevel && id.n < maxSize>>8 && id.path() == p
}

// atoi is -1 for what is not a small decimal number.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n > 999 {
		return -1
	}
	return n
}

// entityTag names the tile of the log whose checkpoint it is: what never changes
// within that log.
func (id tileID) entityTag(note []byte) string {
	origin, _, _ := bytes.Cut(note, []byte{'\n'})
	sum := sha256.Sum256(append(append(bytes.Clone(origin), '\n'), id.path()...))
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}
