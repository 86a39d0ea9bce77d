package audittest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// hashLog is a log of numbered lines.
type hashLog struct {
	key    audit.SigningKey
	hashes []tlog.Hash
}

func newHashLog(t *testing.T, fork int64, size int64) *hashLog {
	t.Helper()
	key, err := audit.GenerateSigningKey("log.example")
	require.NoError(t, err)
	l := &hashLog{key: key}
	for i := range size {
		line := fmt.Sprint(i)
		if i == fork {
			line = "forked"
		}
		more, err := tlog.StoredHashes(i, []byte(line), l)
		require.NoError(t, err)
		l.hashes = append(l.hashes, more...)
	}
	return l
}

// ReadHashes implements tlog.HashReader.
func (l *hashLog) ReadHashes(indexes []int64) (hashes []tlog.Hash, err error) {
	for _, i := range indexes {
		hashes = append(hashes, l.hashes[i])
	}
	return hashes, nil
}

func (l *hashLog) checkpoint(t *testing.T, size int64) audit.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(size, l)
	require.NoError(t, err)
	return audit.Checkpoint{Origin: l.key.Name(), Size: uint64(size), Root: root, SignedAt: time.UnixMicro(5).UTC()}
}

func (l *hashLog) bundle(t *testing.T, old, size int64) audit.Consistency {
	t.Helper()
	b, err := audit.SignCheckpoint(l.checkpoint(t, size), l.key)
	require.NoError(t, err)
	c := audit.Consistency{OldSize: uint64(old), Checkpoint: b}
	if old > 0 {
		proof, err := tlog.ProveTree(size, old, l)
		require.NoError(t, err)
		for _, h := range proof {
			c.Hashes = append(c.Hashes, h)
		}
	}
	return c
}

// post asks the witness and returns its answer.
func post(t *testing.T, w http.Handler, body string) (status int, kind, answer string) {
	t.Helper()
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/prefix/add-checkpoint", strings.NewReader(body)))
	b, err := io.ReadAll(rec.Result().Body)
	require.NoError(t, err)
	return rec.Code, rec.Header().Get("Content-Type"), string(b)
}

func TestWitness_CosignsALogThatGrows(t *testing.T) {
	log := newHashLog(t, -1, 20)
	w := audittest.NewWitness(t, "witness.example", log.key.VerifierKey())
	at := time.Unix(1_795_000_000, 999).UTC()
	w.Now = func() time.Time { return at }
	v, err := audit.Verifiers{}.With(log.key.VerifierKey())
	require.NoError(t, err)
	v, err = v.WithWitness(w.VerifierKey())
	require.NoError(t, err)

	for _, step := range [][2]int64{{0, 1}, {1, 1}, {1, 2}, {2, 7}, {7, 16}, {16, 16}, {16, 20}} {
		c := log.bundle(t, step[0], step[1])
		status, _, line := post(t, w, string(c.Marshal()))
		require.Equal(t, http.StatusOK, status, "%v", step)
		cosigned, err := audit.AddCosignature(c.Checkpoint, []byte(line), v)
		require.NoError(t, err)
		cp, sigs, err := audit.OpenCheckpoint(cosigned, v)
		require.NoError(t, err)
		assert.Equal(t, uint64(step[1]), cp.Size)
		require.Len(t, sigs, 2)
		assert.Equal(t, "witness.example", sigs[1].Name)
		assert.Equal(t, at.Truncate(time.Second), sigs[1].At)
		assert.Equal(t, uint64(step[1]), w.Size("log.example"))

		// With cosignatures on it, which the witness ignores, it is as good.
		c.OldSize, c.Hashes, c.Checkpoint = uint64(step[1]), nil, cosigned
		status, _, _ = post(t, w, string(c.Marshal()))
		require.Equal(t, http.StatusOK, status)
	}
}

func TestWitness_Refuses(t *testing.T) {
	log, forked := newHashLog(t, -1, 20), newHashLog(t, 3, 20)
	forked.key = log.key
	stranger := newHashLog(t, -1, 20) // same origin, another key
	w := audittest.NewWitness(t, "witness.example", log.key.VerifierKey())
	status, _, _ := post(t, w, string(log.bundle(t, 0, 7).Marshal()))
	require.Equal(t, http.StatusOK, status)

	grown := string(log.bundle(t, 7, 16).Marshal())
	withHash := log.bundle(t, 0, 7)
	withHash.Hashes = make([][32]byte, 1)
	fresh := audittest.NewWitness(t, "witness.example", log.key.VerifierKey())
	for what, c := range map[string]struct {
		w      http.Handler
		body   string
		status int
		answer string
	}{
		"not a request":       {w, "x", 400, ""},
		"no old size":         {w, strings.Replace(grown, "old 7", "old", 1), 400, ""},
		"leading zero":        {w, strings.Replace(grown, "old 7", "old 07", 1), 400, ""},
		"no hash":             {w, strings.Replace(grown, "old 7\n", "old 7\nx\n", 1), 400, ""},
		"too many hashes":     {w, strings.Replace(grown, "\n", "\n"+strings.Repeat(strings.Repeat("A", 43)+"=\n", 64), 1), 400, ""},
		"too long":            {w, grown + strings.Repeat("x", 200_000), 400, ""},
		"old above the size":  {w, strings.Replace(grown, "old 7", "old 17", 1), 400, ""},
		"unknown log":         {w, strings.Replace(grown, "log.example\n", "other.example\n", 1), 404, ""},
		"unknown key":         {w, string(stranger.bundle(t, 7, 16).Marshal()), 403, ""},
		"changed":             {w, strings.Replace(grown, "\n16\n", "\n15\n", 1), 403, ""},
		"another old size":    {w, string(log.bundle(t, 6, 16).Marshal()), 409, "7\n"},
		"from nothing":        {w, string(log.bundle(t, 0, 16).Marshal()), 409, "7\n"},
		"forked":              {w, string(forked.bundle(t, 7, 16).Marshal()), 422, ""},
		"forked, equal sizes": {w, string(forked.bundle(t, 7, 7).Marshal()), 409, "7\n"},
		"hashes from nothing": {fresh, string(withHash.Marshal()), 422, ""},
		"never seen":          {fresh, grown, 409, "0\n"},
	} {
		status, kind, answer := post(t, c.w, c.body)
		assert.Equal(t, c.status, status, what)
		assert.Equal(t, c.answer, answer, what)
		if c.answer != "" {
			assert.Equal(t, "text/x.tlog.size", kind, what)
		}
	}
	assert.Equal(t, uint64(7), w.Size("log.example"))
	assert.Zero(t, fresh.Size("log.example"))

	for what, r := range map[string]*http.Request{
		"another path":   httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/checkpoint", nil),
		"another method": httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/add-checkpoint", nil),
	} {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, rec.Code, what)
	}
	status, _, _ = post(t, w, grown)
	assert.Equal(t, http.StatusOK, status)
}
