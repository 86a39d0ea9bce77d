package audittest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness is a small real witness, C2SP tlog-witness: it cosigns a checkpoint
// only if the log grew from the last one that it cosigned. It remembers the
// latest of each log in memory, and shares no code with what it judges. It
// serves POST …/add-checkpoint under any prefix, and GET …/newest?origin=NAME, the
// newest checkpoint that it cosigned; it is safe for concurrent use.
type Witness struct {
	// Now is its clock, time.Now if nil. Set it before use.
	Now func() time.Time

	name string
	key  ed25519.PrivateKey
	logs map[string][]note.Verifier

	mu     sync.Mutex
	latest map[string]tlog.Tree
	notes  map[string]string
}

var _ http.Handler = (*Witness)(nil)

// NewWitness returns a witness of that name with a key of its own, for the logs
// of these verifier keys.
func NewWitness(t testing.TB, name string, logs ...string) *Witness {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w := &Witness{
		name: name, key: key, logs: make(map[string][]note.Verifier),
		latest: make(map[string]tlog.Tree), notes: make(map[string]string),
	}
	for _, vkey := range logs {
		v, err := note.NewVerifier(vkey)
		if err != nil {
			t.Fatal(err)
		}
		w.logs[v.Name()] = append(w.logs[v.Name()], v)
	}
	return w
}

// cosignatureType is the type of a witness's key.
const cosignatureType = 4

// VerifierKey is the witness's public key.
func (w *Witness) VerifierKey() string {
	raw := w.public()
	return fmt.Sprintf("%s+%x+%s", w.name, w.id(), base64.StdEncoding.EncodeToString(raw))
}

// public is the type and the public key.
func (w *Witness) public() []byte {
	return append([]byte{cosignatureType}, w.key.Public().(ed25519.PublicKey)...)
}

func (w *Witness) id() []byte {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.public()...))
	return sum[:4]
}

// Size is that of the latest checkpoint of the log that it cosigned, 0 if there
// is none.
func (w *Witness) Size(origin string) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return uint64(w.latest[origin].N)
}

// refusal is an answer other than 200.
type refusal struct {
	status int
	// size is set where the latest size that was cosigned is the answer.
	size *int64
}

func (r *refusal) Error() string { return http.StatusText(r.status) }

func refuse(status int) error { return &refusal{status: status} }

// ServeHTTP implements http.Handler.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	line, err := w.serve(rw, r)
	no, refused := errors.AsType[*refusal](err)
	switch {
	case refused && no.size != nil:
		rw.Header().Set("Content-Type", "text/x.tlog.size")
		rw.WriteHeader(no.status)
		_, _ = io.WriteString(rw, strconv.FormatInt(*no.size, 10)+"\n")
	case refused:
		rw.WriteHeader(no.status)
	case err != nil:
		rw.WriteHeader(http.StatusBadRequest)
	default:
		_, _ = io.WriteString(rw, line)
	}
}

func (w *Witness) serve(rw http.ResponseWriter, r *http.Request) (line string, err error) {
	if strings.HasSuffix(r.URL.Path, "/newest") {
		return w.newest(r)
	}
	if !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		return "", refuse(http.StatusNotFound)
	}
	if r.Method != http.MethodPost {
		return "", refuse(http.StatusMethodNotAllowed)
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, 128<<10))
	if err != nil {
		return "", err
	}
	old, proof, checkpoint, err := parseRequest(body)
	if err != nil {
		return "", err
	}
	text, origin, tree, err := w.open(checkpoint)
	if err != nil {
		return "", err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := judge(w.latest[origin], old, tree, proof); err != nil {
		return "", err
	}
	line = w.cosign(text)
	w.latest[origin], w.notes[origin] = tree, string(checkpoint)+line
	return line, nil
}

// newest is the newest checkpoint of the log that is asked for.
func (w *Witness) newest(r *http.Request) (text string, err error) {
	if r.Method != http.MethodGet {
		return "", refuse(http.StatusMethodNotAllowed)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text, ok := w.notes[r.URL.Query().Get("origin")]
	if !ok {
		return "", refuse(http.StatusNotFound)
	}
	return text, nil
}

// parseRequest takes the body of a request apart.
func parseRequest(body []byte) (old int64, proof tlog.TreeProof, checkpoint []byte, err error) {
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, ok2 := strings.CutPrefix(lines[0], "old ")
	if old, err = parseSize(size); err != nil || !ok || !ok2 || len(lines) > 64 {
		return 0, nil, nil, refuse(http.StatusBadRequest)
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, nil, refuse(http.StatusBadRequest)
		}
		proof = append(proof, h)
	}
	return old, proof, checkpoint, nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, refuse(http.StatusBadRequest)
	}
	return n, nil
}

// open verifies the log's signature; signatures by unknown keys are ignored.
func (w *Witness) open(checkpoint []byte) (text, origin string, tree tlog.Tree, err error) {
	origin, _, _ = strings.Cut(string(checkpoint), "\n")
	keys, ok := w.logs[origin]
	if !ok {
		return "", "", tree, refuse(http.StatusNotFound)
	}
	n, err := note.Open(checkpoint, note.VerifierList(keys...))
	if err != nil {
		return "", "", tree, refuse(http.StatusForbidden)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 {
		return "", "", tree, refuse(http.StatusBadRequest)
	}
	if tree.N, err = parseSize(lines[1]); err != nil {
		return "", "", tree, err
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return "", "", tree, err
	}
	return n.Text, origin, tree, nil
}

// judge tells whether the log grew from the latest tree to the next one.
func judge(latest tlog.Tree, old int64, next tlog.Tree, proof tlog.TreeProof) error {
	switch {
	case old > next.N:
		return refuse(http.StatusBadRequest)
	case old != latest.N:
		return &refusal{status: http.StatusConflict, size: &latest.N}
	case old == 0 && len(proof) > 0:
		return refuse(http.StatusUnprocessableEntity)
	case old == 0:
		return nil
	case old == next.N && latest.Hash != next.Hash:
		return &refusal{status: http.StatusConflict, size: &latest.N}
	case tlog.CheckTree(proof, next.N, next.Hash, latest.N, latest.Hash) != nil:
		return refuse(http.StatusUnprocessableEntity)
	}
	return nil
}

// cosign returns the signature line.
func (w *Witness) cosign(text string) string {
	now := time.Now
	if w.Now != nil {
		now = w.Now
	}
	at := uint64(now().Unix())
	raw := binary.BigEndian.AppendUint64(bytes.Clone(w.id()), at)
	raw = append(raw, ed25519.Sign(w.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text))...)
	return "— " + w.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}
