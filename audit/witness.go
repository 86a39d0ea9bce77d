package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Witness is a service of somebody else that speaks C2SP tlog-witness: it
// cosigns a checkpoint if the log only grew since the last one that it saw.
type Witness struct {
	// URL is the submission prefix, to which "/add-checkpoint" is added; http or
	// https. The witness must know the log's verifier key.
	URL string
	// Key is the witness's verifier key, see [ParseWitnessKey].
	Key string
	// Newest is an URL at which the newest checkpoint of this log that the witness
	// cosigned can be had, as a signed note, with GET; http or https. The
	// protocol has none, many witnesses have one. It is empty where there is
	// none: then nothing that the witness claims can be proved.
	Newest string
	// Client is http.DefaultClient if nil.
	Client *http.Client
}

// WithWitness has a witness cosign each checkpoint that the trail signs. Its key
// counts among those of [WithVerifiers]. What it answers is verified and kept
// with the checkpoint, so that it stands in everything that is proved by that
// checkpoint later: who verifies needs the key too, see [OpenCheckpoint], and it
// has to stay among those of WithVerifiers when the witness is used no longer.
//
// A witness is a [Sink] in all other respects: one that does not answer makes a
// *[SinkError], holds up nothing, and is asked again with the next checkpoint.
// Where it claims to have seen more of the log than the store has, or something
// else, it must prove it: by a checkpoint with the log's own signature, at the URL
// [Witness.Newest], to which the log does not lead. Then nothing is sequenced, and
// the error is a *[RolledBackError]. A claim without that proof is a *[ClaimError],
// which is reported and holds up nothing: nobody stops a log by word alone.
func WithWitness(w Witness) Option {
	return func(t *Trail) error {
		key, err := ParseWitnessKey(w.Key)
		if err != nil {
			return fmt.Errorf("audit: witness: %w", err)
		}
		u, err := parseWebURL(w.URL)
		if err == nil && w.Newest != "" {
			_, err = parseWebURL(w.Newest)
		}
		if err != nil {
			return err
		}
		s := &witnessSink{
			trail: t, key: key, url: u.JoinPath("add-checkpoint").String(), newest: w.Newest, client: w.Client,
		}
		if s.client == nil {
			s.client = http.DefaultClient
		}
		t.witnesses = append(t.witnesses, key)
		t.sinks = append(t.sinks, guardSink(s))
		return nil
	}
}

func parseWebURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("audit: witness: URL is not one of http or https")
	}
	return u, nil
}

// witnessSink asks a witness. It is used by one goroutine at a time.
type witnessSink struct {
	trail       *Trail
	key         WitnessKey
	url, newest string
	client      *http.Client
	// size is that of the checkpoint of the log origin that the witness cosigned
	// last, as far as is known.
	origin string
	size   uint64
}

// witnessTries bounds how often a witness is asked again that saw another
// checkpoint meanwhile.
const witnessTries = 4

// witnessTime is what a witness has to answer before the log is moved. It is less
// than a sink has: a witness that hangs does not keep the log from moving.
const witnessTime = sinkTime / 2

// Put has the witness cosign the checkpoint.
func (w *witnessSink) Put(ctx context.Context, note []byte) error {
	if err := w.put(ctx, note); err != nil {
		return fmt.Errorf("audit: witness %s: %w", w.key.Name(), err)
	}
	return nil
}

// Latest shows the witness the newest checkpoint that is stored. There is no way
// to ask for the one that it has; but it refuses what does not lead on from it.
func (w *witnessSink) Latest(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, witnessTime)
	defer cancel()
	note, err := w.trail.Latest(ctx)
	if errors.Is(err, ErrNoLog) {
		return nil, w.unheard(ctx)
	}
	if err != nil {
		return nil, err
	}
	err = w.Put(ctx, note)
	if isRolledBack(err) {
		return nil, err
	}
	if _, claims := errors.AsType[*ClaimError](err); claims {
		w.trail.log.Error("witness claims another history of the log", zap.Error(err))
		return nil, nil
	}
	if err != nil {
		w.trail.log.Warn("witness was not asked", zap.Error(err))
	}
	return nil, nil
}

func (w *witnessSink) put(ctx context.Context, note []byte) error {
	cp, err := w.trail.open(note)
	if err != nil {
		return err
	}
	head, err := w.trail.headOf(ctx, cp.Origin)
	if err != nil {
		return err
	}
	if w.origin != cp.Origin {
		w.origin, w.size = cp.Origin, 0
	}
	for range witnessTries {
		if w.size > cp.Size {
			return w.superseded(ctx, head, w.size)
		}
		bundle, err := w.trail.growth(ctx, head, w.size, cp.Size, note)
		if err != nil {
			return err
		}
		status, answer, err := w.post(ctx, bundle)
		if err != nil {
			return err
		}
		if status != http.StatusConflict {
			return w.judge(ctx, status, answer, head.Log, cp, note)
		}
		size, err := parseDecimal(strings.TrimSuffix(string(answer), "\n"))
		if err != nil {
			return errors.New("answered with a size that is none")
		}
		if size == w.size {
			if size == cp.Size {
				return w.claimed(ctx, &ClaimError{Origin: cp.Origin, Claimed: size, Have: cp.Size})
			}
			return errors.New("contradicts itself")
		}
		w.size = size
	}
	return troth.ErrBusy
}

// judge reads an answer that is not about sizes.
func (w *witnessSink) judge(ctx context.Context, status int, answer []byte, log int, cp Checkpoint, note []byte) error {
	switch status {
	case http.StatusOK:
		line, err := w.line(answer, note)
		if err != nil {
			return err
		}
		w.size = cp.Size
		return w.trail.cosigned(ctx, log, cp, line)
	case http.StatusUnprocessableEntity:
		return w.claimed(ctx, &ClaimError{Origin: cp.Origin, Claimed: w.size, Have: cp.Size})
	default:
		return fmt.Errorf("answered with status %d", status)
	}
}

// line returns the witness's own line of its answer, verified. Others are
// ignored, as C2SP tlog-witness has it.
func (w *witnessSink) line(answer, note []byte) ([]byte, error) {
	for line := range bytes.Lines(answer) {
		s, err := parseSignature(line)
		if err != nil || s.name != w.key.Name() || s.id != w.key.KeyHash() {
			continue
		}
		_, err = AddCosignature(note, line, w.trail.verifiers)
		return line, err
	}
	return nil, &KeyError{w.key.Name(), ErrSignature}
}

// superseded returns nil if the log has a checkpoint of what the witness knows,
// by another process: then that is the one to be cosigned.
func (w *witnessSink) superseded(ctx context.Context, head Head, known uint64) error {
	row, found, err := w.trail.store.Checkpoint(ctx, head.Log, maxSize)
	if err != nil {
		return fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if found && row.Size >= known {
		return nil
	}
	// It may have told a lie, and not the next time.
	w.size = 0
	return w.claimed(ctx, &ClaimError{Origin: head.Origin, Claimed: known, Have: head.Size})
}

// post asks once.
func (w *witnessSink) post(ctx context.Context, bundle []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(bundle))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	return w.do(req)
}

// do sends a request. What is longer than a checkpoint is not read.
func (w *witnessSink) do(req *http.Request) (status int, answer []byte, err error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxNote))
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}
