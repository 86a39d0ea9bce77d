package rightshttp

import (
	"context"
	_ "embed" // for the description
	"errors"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

//go:embed openapi.json
var openAPI string

// OpenAPI is the description of the interface, as an OpenAPI 3.1 document.
func OpenAPI() string { return openAPI }

// Caller is who calls, as the host knows them. Whoever is not logged in is a visitor:
// neither Staff, nor a SubjectID, nor an Agent. They may submit requests, and it is mostly
// as a visitor that somebody follows the link to a download.
type Caller struct {
	Tenant troth.Tenant
	// Actor is who acts, for the trail. A visitor is one too, such as
	// troth.Actor{Kind: troth.Person, ID: "visitor"}.
	Actor troth.Actor
	// Staff says that they work on requests of the tenant.
	Staff bool
	// SubjectID is the person who is logged in; empty for staff, for an agent, and for
	// somebody who is not.
	SubjectID string
	// LoggedInAt is when they showed last who they are, as with a password; zero if only
	// a session says so.
	LoggedInAt time.Time
	// Agent is the host's id of the authorised agent who calls, for somebody else; it
	// names no person.
	Agent string
	// LimitKey is what calls are counted by: an account, a network. It is kept in memory
	// only. If it is empty, SubjectID and Agent are, and all visitors of a tenant share one.
	LimitKey string
}

// Config is what a handler cannot do without.
type Config struct {
	Desk *rights.Desk
	// Authenticate says who calls; it is asked for each call. An error is answered with 401,
	// and is not shown; so is a Caller without a valid tenant or actor, which is logged.
	Authenticate func(r *http.Request) (Caller, error)
	// Changes is how many calls that change something one LimitKey has in Window; 0 is
	// 30, and an hour. A download counts for ten.
	Changes int
	Window  time.Duration
	// TicketLife is how long an export can be downloaded; 0 is 7 days.
	TicketLife time.Duration
	// TempDir is where archives lie, encrypted, while they are sent; empty is the
	// system's.
	TempDir string
	// Origins are other origins that may call, such as https://privacy.example.com; none if
	// empty.
	Origins []string
	// Clock is time.Now if nil.
	Clock func() time.Time
	// Log is told why a call failed, which the answer does not say. Nil logs nothing.
	Log *zap.Logger
}

// Handler answers.
type Handler struct {
	c        Config
	mux      *http.ServeMux
	limit    *limiter
	cross    *http.CrossOriginProtection
	download *export.Download
}

// New returns a handler. It returns an error without desk or Authenticate, with a limit below
// zero, and for an origin that is not one.
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
	if c.Changes < 0 || c.Window < 0 || c.TicketLife < 0 {
		return nil, errors.New("rightshttp: new: a limit below zero")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	h := &Handler{
		c: c, mux: http.NewServeMux(), limit: newLimiter(c.Changes, c.Window, c.Clock), cross: http.NewCrossOriginProtection(),
	}
	for _, o := range c.Origins {
		if err := h.cross.AddTrustedOrigin(o); err != nil {
			return nil, errors.New("rightshttp: new: an origin is not one")
		}
	}
	h.download = h.newDownload()
	allow := map[string]string{}
	for i := range routes {
		way := &routes[i]
		h.mux.HandleFunc(way.method+" "+way.path, func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, way) })
		if way.method == http.MethodGet {
			allow[way.path] += ", GET, HEAD"
		} else {
			allow[way.path] += ", " + way.method
		}
	}
	for path, methods := range allow {
		h.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			guard(w)
			w.Header().Set("Allow", methods[2:])
			writeProblem(w, codeMethod)
		})
	}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		guard(w)
		writeProblem(w, codeNotFound)
	})
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// guard sets what every answer has.
func guard(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// call is a call that may go on.
type call struct {
	Caller
	r   *http.Request
	way *route
	// id is the request that the path names.
	id string
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, way *route) {
	guard(w)
	caller, err := h.c.Authenticate(r)
	if err == nil {
		if err = errors.Join(caller.Tenant.Validate(), caller.Actor.Validate()); err != nil {
			h.c.Log.Warn("rightshttp: Authenticate returned a Caller that cannot be used", zap.Error(err))
		}
	}
	if err != nil {
		writeProblem(w, codeUnauthorised)
		return
	}
	c := &call{Caller: caller, r: r, way: way, id: r.PathValue("id")}
	if code := h.mayGoOn(w, c); code != "" {
		writeProblem(w, code)
		return
	}
	ctx := troth.WithActor(r.Context(), caller.Actor)
	if way.page {
		h.download.ServeHTTP(w, r.WithContext(context.WithValue(ctx, callKey{}, c)))
		return
	}
	answer, err := h.answer(ctx, w, c)
	if err != nil {
		writeProblem(w, h.codeOf(c, err))
		return
	}
	writeJSON(w, way.status, answer)
}

// mayGoOn is the code of why a call may not go on; empty if it may.
func (h *Handler) mayGoOn(w http.ResponseWriter, c *call) string {
	if c.way.staff && !c.Staff {
		return codeForbidden
	}
	if c.id != "" && !isID(c.id) {
		return codeNotFound
	}
	if c.way.method == http.MethodGet {
		return ""
	}
	// A download has its right in its address, which no other site knows; and a form on
	// a page without referrers says of itself that it comes from nowhere.
	if !c.way.page && h.cross.Check(c.r) != nil {
		return codeCrossSite
	}
	if !c.Staff {
		key := c.LimitKey
		if key == "" {
			key = c.SubjectID + "\x00" + c.Agent
		}
		if again := h.limit.allow(string(c.Tenant)+"\x00"+key, c.way.cost()); again > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(again/time.Second)+1))
			return codeTooMany
		}
	}
	if !c.way.page && !isJSON(c.r) {
		return codeNotJSON
	}
	return ""
}

// isID reports whether an id can be a request's; what else stands in a path is not asked
// for.
func isID(id string) bool { return len(id) <= 128 && troth.Purpose(id).Validate() == nil }

// own returns a request if the caller may see it. A token is looked at before there is
// any: who has none learns nothing of which ids there are.
func (h *Handler) own(ctx context.Context, c *call, id string) (rights.Request, error) {
	token := c.r.Header.Get("Request-Token")
	if !c.Staff && token != "" && h.c.Desk.CheckToken(ctx, c.Tenant, id, troth.Protect(token)) != nil {
		return rights.Request{}, rights.ErrNotFound
	}
	if !c.Staff && token == "" && c.SubjectID == "" && c.Agent == "" {
		return rights.Request{}, rights.ErrNotFound
	}
	q, err := h.c.Desk.Request(ctx, c.Tenant, id)
	if err != nil {
		return q, err
	}
	if c.Staff || token != "" || c.SubjectID != "" && c.SubjectID == q.SubjectID || c.Agent != "" && c.Agent == q.Agent {
		return q, nil
	}
	return rights.Request{}, rights.ErrNotFound
}
