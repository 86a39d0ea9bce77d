package rightshttp

import (
	_ "embed" // for the description
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

//go:embed openapi.json
var openAPI string

// OpenAPI is the description of the interface, as an OpenAPI 3.1 document.
func OpenAPI() string { return openAPI }

// Caller is who calls, as the host knows them.
type Caller struct {
	Tenant troth.Tenant
	Actor  troth.Actor
	// Staff says that they work on requests of the tenant.
	Staff bool
	// SubjectID is the person who is logged in; empty for staff, and for somebody who is
	// not.
	SubjectID string
	// LoggedInAt is when they showed last who they are, as with a password; zero if only
	// a session says so.
	LoggedInAt time.Time
	// LimitKey is what calls are counted by: an account, a network. It is kept in memory
	// only.
	LimitKey string
}

// Config is what a handler cannot do without.
type Config struct {
	Desk *rights.Desk
	// Authenticate says who calls. An error is answered with 401, and is not shown.
	Authenticate func(r *http.Request) (Caller, error)
	// Changes is how many calls that change something one LimitKey has in Window; 0 is
	// 30 in an hour.
	Changes int
	Window  time.Duration
	// Log may be nil.
	Log *zap.Logger
}

// Handler answers.
type Handler struct {
	c     Config
	mux   *http.ServeMux
	limit *limiter
}

// route is one call of the interface.
type route struct {
	method, path string
	staff        bool
	do           func(h *Handler, w http.ResponseWriter, r *http.Request, c Caller) (status int, body any, err error)
}

var routes = []route{
	{http.MethodPost, "/requests", false, (*Handler).submit},
	{http.MethodGet, "/requests", false, (*Handler).list},
	{http.MethodGet, "/requests/{id}", false, (*Handler).follow},
	{http.MethodPost, "/requests/{id}/code", false, (*Handler).code},
	{http.MethodPost, "/requests/{id}/verify", false, (*Handler).verify},
	{http.MethodPost, "/requests/{id}/withdraw", false, (*Handler).withdraw},
	{http.MethodPost, "/requests/{id}/accept", true, (*Handler).accept},
	{http.MethodPost, "/requests/{id}/approve", true, (*Handler).approve},
	{http.MethodPost, "/requests/{id}/refuse", true, (*Handler).refuse},
}

// New returns a handler.
func New(c Config) (*Handler, error) {
	if c.Desk == nil || c.Authenticate == nil {
		return nil, errors.New("rightshttp: new: desk and authenticate are required")
	}
	if c.Changes == 0 {
		c.Changes = 30
	}
	if c.Window == 0 {
		c.Window = time.Hour
	}
	if c.Changes < 0 || c.Window < 0 {
		return nil, errors.New("rightshttp: new: a limit below zero")
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	h := &Handler{c: c, mux: http.NewServeMux(), limit: newLimiter(c.Changes, c.Window)}
	for _, r := range routes {
		h.mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) { h.serve(w, req, r) })
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, way route) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	c, err := h.c.Authenticate(r)
	if err != nil || c.Tenant == "" {
		write(w, http.StatusUnauthorized, failure{"unauthorised"})
		return
	}
	if way.staff && !c.Staff {
		write(w, http.StatusForbidden, failure{"forbidden"})
		return
	}
	if way.method != http.MethodGet && !c.Staff && !h.limit.allow(string(c.Tenant)+"\x00"+c.LimitKey) {
		write(w, http.StatusTooManyRequests, failure{"too-many"})
		return
	}
	status, body, err := way.do(h, w, r.WithContext(troth.WithActor(r.Context(), c.Actor)), c)
	if err != nil {
		status, body = h.failed(err)
	}
	write(w, status, body)
}

// own returns a request if the caller may see it.
func (h *Handler) own(r *http.Request, c Caller) (rights.Request, error) {
	q, err := h.c.Desk.Request(r.Context(), c.Tenant, r.PathValue("id"))
	if err != nil {
		return q, err
	}
	if !c.Staff && (c.SubjectID == "" || c.SubjectID != q.SubjectID) {
		return rights.Request{}, rights.ErrNotFound
	}
	return q, nil
}

// words are the errors that callers are told of, and how.
var words = []struct {
	err    error
	status int
	word   string
}{
	{errBody, http.StatusBadRequest, "malformed"},
	{rights.ErrNotFound, http.StatusNotFound, "not-found"},
	{rights.ErrConflict, http.StatusConflict, "conflict"},
	{rights.ErrUnproven, http.StatusForbidden, "unproven"},
	{rights.ErrCode, http.StatusForbidden, "wrong-code"},
	{rights.ErrOften, http.StatusTooManyRequests, "too-many"},
	{rights.ErrRight, http.StatusBadRequest, "no-such-right"},
	{rights.ErrRefusal, http.StatusBadRequest, "incomplete"},
	{rights.ErrFuture, http.StatusBadRequest, "malformed"},
	{rights.ErrTooMuch, http.StatusRequestEntityTooLarge, "too-long"},
	{troth.ErrBusy, http.StatusServiceUnavailable, "busy"},
}

type failure struct {
	Error string `json:"error"`
}

func (h *Handler) failed(err error) (int, any) {
	i := slices.IndexFunc(words, func(known struct {
		err    error
		status int
		word   string
	},
	) bool {
		return errors.Is(err, known.err)
	})
	if i >= 0 {
		return words[i].status, failure{words[i].word}
	}
	if _, state := errors.AsType[*rights.StateError](err); state {
		return http.StatusConflict, failure{"wrong-state"}
	}
	if _, bad := errors.AsType[*troth.IdentifierError](err); bad {
		return http.StatusBadRequest, failure{"malformed"}
	}
	h.c.Log.Error("rightshttp: failed", zap.Error(err))
	return http.StatusInternalServerError, failure{"failed"}
}
