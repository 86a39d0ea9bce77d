package rightshttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/rights"
)

// route is one call of the interface. The description is made of the table of them.
type route struct {
	method, path, summary string
	// staff says that it is for staff alone.
	staff bool
	// page says that it is for a browser, and answered by package export.
	page bool
	// apart is as in rights.Call.
	apart  bool
	status int
	// in and out are the types of body and answer; in is nil where there is no body.
	in, out reflect.Type
	// query are names of parameters, codes those of problems beside the ones that all
	// have.
	query []string
	codes []string
	do    func(ctx context.Context, h *Handler, c *call, body []byte) (any, error)
}

// cost is for how many calls it counts.
func (w *route) cost() int {
	if w.page {
		return 10
	}
	return 1
}

// nothing is a body, or an answer, without fields.
type nothing struct{}

// post is a call that changes something.
func post[In, Out any](path, summary string, status int, do func(ctx context.Context, h *Handler, c *call, in *In) (Out, error), codes ...string) route {
	return route{
		method: http.MethodPost, path: path, summary: summary, status: status, codes: codes,
		in: reflect.TypeFor[In](), out: reflect.TypeFor[Out](),
		do: func(ctx context.Context, h *Handler, c *call, body []byte) (any, error) {
			var in In
			if err := decode(body, &in); err != nil {
				return nil, err
			}
			return do(ctx, h, c, &in)
		},
	}
}

// get is a call that changes nothing.
func get[Out any](path, summary string, do func(ctx context.Context, h *Handler, c *call) (Out, error), codes ...string) route {
	return route{
		method: http.MethodGet, path: path, summary: summary, status: http.StatusOK, codes: codes, out: reflect.TypeFor[Out](),
		do: func(ctx context.Context, h *Handler, c *call, _ []byte) (any, error) { return do(ctx, h, c) },
	}
}

// forStaff keeps a call for staff.
func forStaff(w route) route { w.staff = true; return w }

// apart has a call run in no transaction.
func apart(w route) route { w.apart = true; return w }

// of says what type of object a call answers with a file of.
func of[T any](w route) route { w.out = reflect.TypeFor[T](); return w }

// with gives a call parameters.
func with(w route, query ...string) route { w.query = query; return w }

// answer runs a call, once if it came under a key.
func (h *Handler) answer(ctx context.Context, w http.ResponseWriter, c *call) ([]byte, error) {
	if c.way.method == http.MethodGet {
		return h.run(ctx, c, nil)
	}
	body, err := readBody(w, c.r)
	if err != nil {
		return nil, err
	}
	given := c.r.Header.Values("Idempotency-Key")
	if len(given) == 0 {
		return h.run(ctx, c, body)
	}
	if len(given) > 1 || !isKey(given[0]) {
		return nil, errMalformed
	}
	key := c.keyed(given[0])
	about := c.id
	if about == "" { // it submits one
		about = requestUnder(key)
		c.id = about
	}
	what := canon.AppendText(canon.AppendDomain(nil, "troth.rights.call/1"), c.way.path)
	what = canon.AppendText(what, c.r.PathValue("id"))
	what = canon.AppendBytes(what, body)
	once := rights.Call{Tenant: c.Tenant, Request: about, Key: key, What: sha256.Sum256(what), Apart: c.way.apart}
	return h.c.Desk.Once(ctx, once, func(ctx context.Context) ([]byte, error) { return h.run(ctx, c, body) })
}

// run does what a call asks for, and returns the answer as JSON.
func (h *Handler) run(ctx context.Context, c *call, body []byte) ([]byte, error) {
	answer, err := c.way.do(ctx, h, c, body)
	if err != nil {
		return nil, err
	}
	if text, is := answer.(file); is {
		return text, nil
	}
	text, err := json.Marshal(answer)
	if err != nil { // a year after 9999
		return nil, errors.New("rightshttp: an answer cannot be written")
	}
	return text, nil
}

// isKey reports whether a key is long enough not to be met by another's, and of letters
// that can be seen.
func isKey(key string) bool {
	for _, c := range []byte(key) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return 16 <= len(key) && len(key) <= 200
}

// keyed names a call by who makes it and the key that they gave, so that nobody is given
// another's answer.
func (c *call) keyed(key string) [32]byte {
	b := canon.AppendDomain(nil, "troth.rights.key/1")
	for _, t := range []string{string(c.Tenant), c.Actor.ID, c.SubjectID, c.Agent, c.r.Header.Get("Request-Token"), key} {
		b = canon.AppendText(b, t)
	}
	return sha256.Sum256(b)
}

// requestUnder is the id of the request that is submitted under a key.
func requestUnder(key [32]byte) string { return "h-" + hex.EncodeToString(key[:16]) }
