package audit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"
)

// Handler serves the newest log to strangers as C2SP tlog-tiles does: GET
// checkpoint, and GET tile/L/N for the tiles of hashes below it. There are no
// entries here: they are handed out to the tenant whom they concern, see
// [Trail.Export]. Mount it under any prefix with http.StripPrefix.
//
// After [Trail.Continue] the newest log is another, and stands under the same
// paths. So caches are told to ask each time, which an entity tag, of the log and
// the tile, makes cheap: no tile is read for that. [Trail.HandlerOf] may be cached
// for ever.
func (t *Trail) Handler() http.Handler { return t.HandlerOf("") }

// HandlerOf is [Trail.Handler] for the log of one origin, also once that is closed
// and another goes on. Caches may keep its tiles for ever, so mount it under a
// prefix that no other origin ever has. An empty origin is that of the newest log,
// whichever that is.
func (t *Trail) HandlerOf(origin string) http.Handler { return server{t, origin} }

// server serves the log of an origin, the newest one if that is empty.
type server struct {
	trail  *Trail
	origin string
}

// What caches are told: tiles never change within a log, checkpoints do.
const (
	cacheForEver = "public, max-age=31536000, immutable"
	cacheAndAsk  = "public, no-cache"
	cacheNever   = "no-cache"
)

// ServeHTTP answers with a checkpoint or a tile.
func (s server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		s.tile(w, r, id)
	default:
		row, err := s.signed(r.Context())
		s.trail.answer(w, r, row.Note, err, "text/plain; charset=utf-8", cacheNever)
	}
}

// signed is the newest checkpoint of the log.
func (s server) signed(ctx context.Context) (CheckpointRow, error) {
	if s.origin == "" {
		return s.trail.latest(ctx)
	}
	head, err := s.trail.headOf(ctx, s.origin)
	if err != nil {
		return CheckpointRow{}, err
	}
	row, found, err := s.trail.store.Checkpoint(ctx, head.Log, maxSize)
	if err != nil {
		return row, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if !found {
		return row, ErrNoLog
	}
	return row, nil
}

// tile answers with hashes that the newest checkpoint covers, and no others.
func (s server) tile(w http.ResponseWriter, r *http.Request, id tileID) {
	cache := cacheForEver
	row, err := s.signed(r.Context())
	if err == nil && !id.within(row.Size) {
		err = errTile
	}
	if err == nil && s.origin == "" {
		cache = cacheAndAsk
		tag := id.entityTag(row.Note)
		w.Header().Set("ETag", tag)
		if holds(r.Header.Values("If-None-Match"), tag) {
			w.Header().Set("Cache-Control", cache)
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	var hashes []byte
	if err == nil {
		hashes, err = s.trail.tiles(r.Context(), row.Log).Tile(id.level, id.n, id.width)
	}
	s.trail.answer(w, r, hashes, err, "application/octet-stream", cache)
}

// holds reports whether somebody who sent these fields holds what has the tag,
// RFC 9110 section 13.1.2.
func holds(fields []string, tag string) bool {
	for _, field := range fields {
		for held := range strings.SplitSeq(field, ",") {
			held = strings.TrimPrefix(strings.TrimSpace(held), "W/")
			if held == tag || held == "*" {
				return true
			}
		}
	}
	return false
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
	h.Set("X-Content-Type-Options", "nosniff") // or a browser may run it all the same
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", itoa(len(body)))
	if r.Method == http.MethodGet {
		// Who hung up does not want it.
		_, _ = w.Write(body) // hashes or a signed note, by a type that no browser may run
	}
}

// refuse answers with the status and no more. What is not there may be there
// later.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Del("ETag")
	w.Header().Set("Cache-Control", cacheNever)
	http.Error(w, http.StatusText(status), status)
}
