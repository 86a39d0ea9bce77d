package audit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"go.uber.org/zap"
)

// Handler serves the newest log to strangers as C2SP tlog-tiles does: GET
// checkpoint, and GET tile/L/N for the tiles of hashes below it. There are no
// entries here: they are handed out to the tenant whom they concern, see
// [Trail.Export]. Mount it under any prefix with http.StripPrefix; a log that goes
// on under another origin, see [Trail.Continue], needs another, since caches keep
// tiles for ever.
func (t *Trail) Handler() http.Handler { return http.HandlerFunc(t.serve) }

func (t *Trail) serve(w http.ResponseWriter, r *http.Request) {
	tile, isTile := strings.CutPrefix(r.URL.Path, "/tile/")
	id, ok := parseTilePath(tile)
	switch {
	// Every name has one spelling, so that caches hold each file once.
	case r.URL.RawPath != "" || r.URL.Path != "/checkpoint" && !(isTile && ok):
		refuse(w, http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed)
	case isTile:
		hashes, err := t.signedTile(r.Context(), id)
		t.answer(w, r, hashes, err, "application/octet-stream", "public, max-age=31536000, immutable")
	default:
		note, err := t.Latest(r.Context())
		t.answer(w, r, note, err, "text/plain; charset=utf-8", "no-cache")
	}
}

// answer sends what was found, without telling what the store said if it was
// not.
func (t *Trail) answer(w http.ResponseWriter, r *http.Request, body []byte, err error, kind, cache string) {
	switch {
	case errors.Is(err, ErrNoLog) || errors.Is(err, errTile):
		refuse(w, http.StatusNotFound)
		return
	case err != nil:
		if r.Context().Err() == nil { // else who asked has gone
			t.log.Error("log was not served", zap.Error(err))
		}
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", itoa(len(body)))
	if r.Method == http.MethodGet {
		// Who hung up does not want it.
		_, _ = w.Write(body) //nolint:gosec // hashes or a signed note, by a type that no browser runs
	}
}

// refuse answers with the status and no more. What is not there may be there
// later.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-cache")
	http.Error(w, http.StatusText(status), status)
}

// signedTile returns hashes that the newest checkpoint covers, and no others.
func (t *Trail) signedTile(ctx context.Context, id tileID) ([]byte, error) {
	row, err := t.latest(ctx)
	if err != nil {
		return nil, err
	}
	if !id.within(row.Size) {
		return nil, errTile
	}
	return t.tiles(ctx, row.Log).Tile(id.level, id.n, id.width)
}

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
