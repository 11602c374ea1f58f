package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/sandbox/lab"
)

// asTable asks the API server for what `kubectl get` prints.
const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

// retryAfter is how long to wait before asking an API server again that went away.
const retryAfter = 300 * time.Millisecond

// row is one line of a table, by column name.
type row struct {
	cells map[string]any
	meta  metav1.PartialObjectMetadata
	raw   json.RawMessage // the object, as much of it as was asked for
	seen  time.Time       // when this version of the row arrived
}

// table is all rows of one kind, kept up to date by a watch.
type table struct {
	path    string // "/api/v1/pods"
	include string // how much of each object comes with its row: "Metadata" or "Object"
	columns []string
	rows    map[string]row // by namespace/name
	version string
}

// client reaches the API server over its unix socket.
func client(socket string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return lab.Dial(socket) },
	}}
}

// follow keeps t like the API server's, and calls changed with a fresh copy of the rows, until ctx ends.
func follow(ctx context.Context, c *http.Client, path, include string, changed func(rows []row)) {
	for ctx.Err() == nil {
		t := &table{path: path, include: include, rows: map[string]row{}}
		err := t.list(ctx, c)
		for err == nil {
			changed(t.snapshot())
			err = t.watch(ctx, c, func() { changed(t.snapshot()) })
		}
		select { // the server is starting, stopping, or has forgotten our version: list again
		case <-time.After(retryAfter):
		case <-ctx.Done():
		}
	}
}

func (t *table) snapshot() []row {
	rows := make([]row, 0, len(t.rows))
	for _, r := range t.rows {
		rows = append(rows, r)
	}
	return rows
}

func (t *table) get(ctx context.Context, c *http.Client, query url.Values) (*http.Response, error) {
	query.Set("includeObject", t.include)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://drydock"+t.path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", asTable)
	response, err := c.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("get %s: %s", t.path, response.Status)
	}
	return response, nil
}

func (t *table) list(ctx context.Context, c *http.Client) error {
	response, err := t.get(ctx, c, url.Values{})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var list metav1.Table
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return fmt.Errorf("read %s: %w", t.path, err)
	}
	t.version = list.ResourceVersion
	return t.merge(&list, watch.Added)
}

// watch applies events until the watch ends; then it returns nil to go on from the last version, or an error to start over.
func (t *table) watch(ctx context.Context, c *http.Client, changed func()) error {
	response, err := t.get(ctx, c, url.Values{
		"watch": {"1"}, "allowWatchBookmarks": {"true"}, "resourceVersion": {t.version},
	})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	events := json.NewDecoder(response.Body)
	for n := 0; ; n++ {
		var event struct {
			Type   watch.EventType
			Object json.RawMessage
		}
		if err := events.Decode(&event); err != nil {
			if n == 0 {
				return err // not even one event: wait before the next try
			}
			return nil
		}
		if err := t.apply(event.Type, event.Object); err != nil {
			return err
		}
		if event.Type != watch.Bookmark {
			changed()
		}
	}
}

var errStartOver = errors.New("the watch cannot go on")

func (t *table) apply(kind watch.EventType, object json.RawMessage) error {
	if kind == watch.Error {
		return errStartOver
	}
	var part metav1.Table
	if err := json.Unmarshal(object, &part); err != nil {
		return fmt.Errorf("read an event of %s: %w", t.path, err)
	}
	if part.ResourceVersion != "" {
		t.version = part.ResourceVersion
	}
	return t.merge(&part, kind)
}

// merge takes the rows of a table. Only the first table of a watch names its columns.
func (t *table) merge(part *metav1.Table, kind watch.EventType) error {
	if len(part.ColumnDefinitions) > 0 {
		t.columns = t.columns[:0:0]
		for _, column := range part.ColumnDefinitions {
			t.columns = append(t.columns, column.Name)
		}
	}
	for _, line := range part.Rows {
		r := row{cells: map[string]any{}, raw: line.Object.Raw, seen: time.Now()}
		if err := json.Unmarshal(line.Object.Raw, &r.meta); err != nil {
			return fmt.Errorf("read a row of %s: %w", t.path, err)
		}
		for i, cell := range line.Cells {
			if i < len(t.columns) {
				r.cells[t.columns[i]] = cell
			}
		}
		if r.meta.ResourceVersion != "" && part.ResourceVersion == "" {
			t.version = r.meta.ResourceVersion
		}
		switch kind {
		case watch.Bookmark:
		case watch.Deleted:
			delete(t.rows, r.meta.Namespace+"/"+r.meta.Name)
		default:
			t.rows[r.meta.Namespace+"/"+r.meta.Name] = r
		}
	}
	return nil
}

// text is a cell as text; a missing one is empty.
func (r row) text(column string) string {
	switch v := r.cells[column].(type) {
	case nil:
		return ""
	case string:
		return v
	case float64: // every number of encoding/json
		return fmt.Sprintf("%d", int64(v))
	default:
		return fmt.Sprint(v)
	}
}

// number is a cell that counts something; text such as "3 (5m ago)" begins with its number.
func (r row) number(column string) int {
	var n int
	_, _ = fmt.Sscanf(r.text(column), "%d", &n) // no number counts as none
	return n
}
