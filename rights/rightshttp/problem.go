package rightshttp

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// problem is how an error is told (RFC 9457). Nothing in it comes from the call.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
}

// problemPage is what the types of problems are anchors of.
const problemPage = "https://github.com/trothdev/troth/blob/main/docs/rights-http.md#"

// The codes of problems that are named elsewhere.
const (
	codeUnauthorised = "unauthorised"
	codeForbidden    = "forbidden"
	codeCrossSite    = "cross-site"
	codeTooMany      = "too-many"
	codeNotJSON      = "not-json"
	codeMalformed    = "malformed"
	codeTooLong      = "too-long"
	codeNotFound     = "not-found"
	codeMethod       = "method"
	codeConflict     = "conflict"
	codeBusy         = "busy"
	codeFailed       = "failed"
	codeUnproven     = "unproven"
	codeWrongState   = "wrong-state"
	codeWrongCode    = "wrong-code"
	codeIncomplete   = "incomplete"
	codeNoExtension  = "no-extension"
	codeNoRight      = "no-such-right"
	codeGone         = "gone"
	codeBadKey       = "bad-key"
	codeNotOffered   = "not-offered"
	codePending      = "pending"
)

// problems are all that there are.
var problems = map[string]struct {
	status int
	title  string
}{
	codeUnauthorised: {http.StatusUnauthorized, "It is not known who calls."},
	codeForbidden:    {http.StatusForbidden, "This is for staff."},
	codeCrossSite:    {http.StatusForbidden, "The call came from a page of another site."},
	codeTooMany:      {http.StatusTooManyRequests, "Too many calls; try again later."},
	codeNotJSON:      {http.StatusUnsupportedMediaType, "The content type is not application/json."},
	codeMalformed:    {http.StatusBadRequest, "Something in the call is not as described."},
	codeTooLong:      {http.StatusRequestEntityTooLarge, "Something is too long, or too many."},
	codeNotFound:     {http.StatusNotFound, "There is no such thing here."},
	codeMethod:       {http.StatusMethodNotAllowed, "The path has no such method."},
	codeConflict:     {http.StatusConflict, "The key or id was used for something else."},
	codeBusy:         {http.StatusServiceUnavailable, "The store is busy; try again."},
	codeFailed:       {http.StatusInternalServerError, "Something failed; try again."},
	codeUnproven:     {http.StatusForbidden, "Identity or authority is not shown well enough."},
	codeWrongState:   {http.StatusConflict, "The request is not in a state for this."},
	codeWrongCode:    {http.StatusForbidden, "The code proves nothing."},
	codeIncomplete:   {http.StatusBadRequest, "Something that is needed is missing."},
	codeNoExtension:  {http.StatusConflict, "No law that applies lets the answer come later."},
	codeNoRight:      {http.StatusBadRequest, "There is no such right."},
	codeGone:         {http.StatusGone, "The personal data of the request was destroyed."},
	codeBadKey:       {http.StatusBadRequest, "The key or passphrase cannot be used."},
	codeNotOffered:   {http.StatusNotImplemented, "The host does not offer this."},
	codePending:      {http.StatusServiceUnavailable, "The proof is not signed yet; try again."},
}

// errMalformed says that a call is not as described, errTooLong that its body is too long.
var (
	errMalformed = errors.New("rightshttp: malformed call")
	errTooLong   = errors.New("rightshttp: body is too long")
	errForbidden = errors.New("rightshttp: for staff")
)

// known are the errors that callers are told of, by code.
var known = []struct {
	err  error
	code string
}{
	{errMalformed, codeMalformed},
	{errTooLong, codeTooLong},
	{errForbidden, codeForbidden},
	{rights.ErrNotFound, codeNotFound},
	{rights.ErrConflict, codeConflict},
	{rights.ErrUnproven, codeUnproven},
	{rights.ErrSameField, codeUnproven},
	{rights.ErrCode, codeWrongCode},
	{rights.ErrOften, codeTooMany},
	{rights.ErrRight, codeNoRight},
	{rights.ErrVia, codeMalformed},
	{rights.ErrRefusal, codeIncomplete},
	{rights.ErrReport, codeIncomplete},
	{rights.ErrExtension, codeNoExtension},
	{rights.ErrFuture, codeMalformed},
	{rights.ErrTooMuch, codeTooLong},
	{rights.ErrGone, codeGone},
	{rights.ErrNeeds, codeNotOffered},
	{export.ErrKey, codeBadKey},
	{troth.ErrPending, codePending},
	{troth.ErrBusy, codeBusy},
}

// codeOf is how an error is told. What is not known is logged, without the call.
func (h *Handler) codeOf(c *call, err error) string {
	for _, k := range known {
		if errors.Is(err, k.err) {
			return k.code
		}
	}
	if _, state := errors.AsType[*rights.StateError](err); state {
		return codeWrongState
	}
	if _, bad := errors.AsType[*troth.IdentifierError](err); bad {
		return codeMalformed
	}
	h.c.Log.Error("rightshttp: failed", zap.String("call", c.way.method+" "+c.way.path), zap.Error(err))
	return codeFailed
}
