package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The control socket speaks one request per connection: a line of JSON naming a verb, with file descriptors beside it
// (unix(7), SCM_RIGHTS), answered by lines of JSON until the server closes. Closing the connection cancels the call.

// request is the client's only line.
type request struct {
	Verb string          `json:"verb"`
	Body json.RawMessage `json:"body,omitempty"`
}

// reply is one line of the answer. The last line has Done set.
type reply struct {
	Body  json.RawMessage `json:"body,omitempty"`
	Error string          `json:"error,omitempty"`
	Done  bool            `json:"done,omitempty"`
}

// maxRequest bounds a request line, in bytes; maxFiles bounds the descriptors beside it.
const (
	maxRequest = 1 << 20
	maxFiles   = 8
)

// Call is one request as a handler sees it. The handler owns Files until it returns; what it keeps it must take out.
type Call struct {
	Verb  string
	Files []*os.File
	body  json.RawMessage
	mu    sync.Mutex
	// guarded by mu
	out *json.Encoder
}

// Decode reads the request's body into v.
func (c *Call) Decode(v any) error {
	if len(c.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.body, v); err != nil {
		return fmt.Errorf("read the body of %q: %w", c.Verb, err)
	}
	return nil
}

// Send answers with one value; a handler may send many.
func (c *Call) Send(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an answer to %q: %w", c.Verb, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Encode(reply{Body: body})
}

// Handler serves one verb. ctx ends when the client goes away.
type Handler func(ctx context.Context, call *Call) error

// Serve answers requests on l until ctx ends, then waits for the handlers.
func Serve(ctx context.Context, l *net.UnixListener, verbs map[string]Handler) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var handlers sync.WaitGroup
	defer handlers.Wait()
	for {
		conn, err := l.AcceptUnix()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept on the control socket: %w", err)
		}
		handlers.Go(func() { serveOne(ctx, conn, verbs) })
	}
}

// lastWords is how long a client may take to read the end of an answer.
const lastWords = time.Second

func serveOne(ctx context.Context, conn *net.UnixConn, verbs map[string]Handler) {
	defer conn.Close()
	req, files, err := receive(conn)
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	out := json.NewEncoder(conn)
	if err != nil {
		_ = out.Encode(reply{Error: err.Error(), Done: true}) // the client may be gone; nobody else to tell
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// When the lab goes down, what a handler still has to say is said, unless the client does not listen.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Now().Add(lastWords)) })
	defer stop()
	go func() { // ends with the connection, which serveOne closes
		_, _ = io.Copy(io.Discard, conn)
		cancel()
	}()
	call := &Call{Verb: req.Verb, Files: files, body: req.Body, out: out}
	last := reply{Done: true}
	if handler, ok := verbs[req.Verb]; !ok {
		last.Error = fmt.Sprintf("this lab does not know the verb %q; it may be of another version", req.Verb)
	} else if err := handler(ctx, call); err != nil {
		last.Error = err.Error()
	}
	call.mu.Lock()
	defer call.mu.Unlock()
	_ = out.Encode(last) // as above
}

// receive reads the request line and the descriptors that came with its first byte.
func receive(conn *net.UnixConn) (request, []*os.File, error) {
	var req request
	line := make([]byte, 0, 4096)
	chunk, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4*maxFiles))
	var files []*os.File
	for {
		n, oobn, _, _, err := conn.ReadMsgUnix(chunk, oob)
		if err != nil || n == 0 {
			return req, files, errors.Join(errors.New("the request ended early"), err)
		}
		files = append(files, parseFiles(oob[:oobn])...)
		line = append(line, chunk[:n]...)
		if chunk[n-1] == '\n' {
			break
		}
		if len(line) > maxRequest {
			return req, files, fmt.Errorf("the request is longer than %d bytes", maxRequest)
		}
	}
	if err := json.Unmarshal(line, &req); err != nil {
		return req, files, fmt.Errorf("read the request: %w", err)
	}
	return req, files, nil
}

func parseFiles(oob []byte) []*os.File {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue // not descriptors
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files
}

// Ask sends one request to a lab's control socket and calls each with every answer until the lab is done.
// The returned error is the handler's (as text), or says that no lab listens there: errors.Is(err, ErrNotRunning).
func Ask(ctx context.Context, socket, verb string, body any, opts ...AskOption) error {
	var o askOptions
	for _, opt := range opts {
		opt(&o)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request %q: %w", verb, err)
	}
	line, err := json.Marshal(request{Verb: verb, Body: raw})
	if err != nil {
		return fmt.Errorf("encode the request %q: %w", verb, err)
	}
	conn, err := Dial(socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var rights []byte
	if len(o.files) > 0 {
		fds := make([]int, len(o.files))
		for i, f := range o.files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := conn.WriteMsgUnix(append(line, '\n'), rights, nil); err != nil {
		return fmt.Errorf("send %q to the lab: %w", verb, err)
	}
	if o.sent != nil {
		o.sent()
	}
	return readReplies(ctx, conn, verb, o.each)
}

func readReplies(ctx context.Context, conn io.Reader, verb string, each func(json.RawMessage) error) error {
	in := json.NewDecoder(bufio.NewReader(conn))
	for {
		var r reply
		if err := in.Decode(&r); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("the lab ended while it answered %q: %w", verb, err)
		}
		if r.Error != "" {
			return errors.New(r.Error)
		}
		if r.Done {
			return nil
		}
		if each == nil {
			continue
		}
		if err := each(r.Body); err != nil {
			return err
		}
	}
}

// ErrNotRunning: nothing listens on the control socket.
var ErrNotRunning = errors.New("the lab is not running")

type askOptions struct {
	files []*os.File
	sent  func()
	each  func(json.RawMessage) error
}

// AskOption refines one Ask.
type AskOption func(*askOptions)

// WithFiles passes descriptors along; the caller keeps its own.
func WithFiles(files ...*os.File) AskOption { return func(o *askOptions) { o.files = files } }

// WhenSent calls fn once the request, and with it the descriptors, is on its way.
func WhenSent(fn func()) AskOption { return func(o *askOptions) { o.sent = fn } }

// Each calls fn with every answer.
func Each(fn func(json.RawMessage) error) AskOption { return func(o *askOptions) { o.each = fn } }
