package cri

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/image"
)

// A record on disk is a file of JSON lines named by its id: the first line says what was made, each later one how it is by
// now. Lines are only ever added, so that a machine that dies while one is being written loses this one and no other.

// madePod is the only line of a sandbox: after a restart no sandbox is ready.
type madePod struct {
	Created time.Time       `json:"created"`
	Config  json.RawMessage `json:"config"`
}

// madeContainer is the first line of a container.
type madeContainer struct {
	Sandbox     string                         `json:"sandbox"`
	Created     time.Time                      `json:"created"`
	ImageID     string                         `json:"imageID"`
	RepoTags    []string                       `json:"repoTags,omitempty"`
	RepoDigests []string                       `json:"repoDigests,omitempty"`
	User        *runtimeapi.LinuxContainerUser `json:"user,omitempty"`
	StopSignal  int                            `json:"stopSignal"`
	Config      json.RawMessage                `json:"config"`
}

// progress is every later line of a container.
type progress struct {
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	ExitCode int32     `json:"exitCode,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Message  string    `json:"message,omitempty"`
}

func (s *Server) podRecords() string       { return filepath.Join(s.cfg.StateDir, "sandboxes") }
func (s *Server) containerRecords() string { return filepath.Join(s.cfg.StateDir, "containers") }

// rememberPod writes a sandbox down. Without a StateDir nothing outlives the server.
func (s *Server) rememberPod(p *pod) error {
	if s.cfg.StateDir == "" {
		return nil
	}
	config, err := protojson.Marshal(p.config)
	if err == nil {
		err = addLine(filepath.Join(s.podRecords(), p.id), madePod{Created: p.created, Config: config})
	}
	if err != nil {
		return fmt.Errorf("write down sandbox %s: %w", p.id, err)
	}
	return nil
}

func (s *Server) rememberContainer(c *ctr) error {
	if s.cfg.StateDir == "" {
		return nil
	}
	config, err := protojson.Marshal(c.config)
	if err == nil {
		c.record = filepath.Join(s.containerRecords(), c.id)
		err = addLine(c.record, madeContainer{
			Sandbox: c.pod.id, Created: c.created, ImageID: c.image.ID, RepoTags: c.image.RepoTags, RepoDigests: c.image.RepoDigests,
			User: c.user, StopSignal: int(c.stopSignal), Config: config,
		})
	}
	if err != nil {
		return fmt.Errorf("write down container %s: %w", c.id, err)
	}
	return nil
}

// noteLocked adds how the container is now. What a full disk does not take is missed by the next server only, so it stops nothing.
func (c *ctr) noteLocked() {
	if c.record == "" {
		return
	}
	_ = addLine(c.record, progress{Started: c.started, Finished: c.finished, ExitCode: c.exitCode, Reason: c.reason, Message: c.message})
}

func addLine(path string, line any) error {
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) // environments hold secrets
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Close())
}

func forget(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove record: %w", err)
	}
	return nil
}

func (s *Server) forgetPod(p *pod) error {
	if s.cfg.StateDir == "" {
		return nil
	}
	return forget(filepath.Join(s.podRecords(), p.id))
}

func (c *ctr) forget() error {
	if c.record == "" {
		return nil
	}
	return forget(c.record)
}

// recall brings back what an earlier server wrote down: sandboxes that are over, and containers that have ended, at the latest when
// the machine did. Records that make no sense, and containers that never started, are removed.
func (s *Server) recall() error {
	if s.cfg.StateDir == "" {
		return nil
	}
	err := eachRecord(s.podRecords(), func(id string, data []byte) bool {
		p := recallPod(id, data)
		if p != nil {
			s.pods[id], s.names[p.name] = p, id
		}
		return p != nil
	})
	if err != nil {
		return err
	}
	return eachRecord(s.containerRecords(), func(id string, data []byte) bool {
		c := s.recallContainer(id, data)
		if c != nil {
			s.containers[id], s.names[c.name] = c, id
		}
		return c != nil
	})
}

// eachRecord reads a folder's records, and removes those that are not to be kept.
func eachRecord(dir string, keep func(id string, data []byte) bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder of records: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list records: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		data, err := wholeLines(path)
		if err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		if !keep(e.Name(), data) {
			if err := forget(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// wholeLines reads a file and cuts off a torn end, which the next line would be added to.
func wholeLines(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(data, '\n') + 1
	if end < len(data) {
		err = os.Truncate(path, int64(end))
	}
	return data[:end], err
}

func recallPod(id string, data []byte) *pod {
	var made madePod
	config := &runtimeapi.PodSandboxConfig{}
	if !recalled(data, &made, &made.Config, config) {
		return nil
	}
	return &pod{
		id: id, name: podName(config.GetMetadata()), config: config, created: made.Created, down: true, past: true,
		hostNetwork: config.GetLinux().GetSecurityContext().GetNamespaceOptions().GetNetwork() == runtimeapi.NamespaceMode_NODE,
	}
}

// recalled reads a first line and the config in it.
func recalled(line []byte, made any, raw *json.RawMessage, config proto.Message) bool {
	return json.Unmarshal(line, made) == nil &&
		protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(*raw, config) == nil
}

// lostCode and lostReason are what containerd says of a container whose end nobody saw.
const (
	lostCode   = 255
	lostReason = "Unknown"
)

func (s *Server) recallContainer(id string, data []byte) *ctr {
	var made madeContainer
	config := &runtimeapi.ContainerConfig{}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	if !recalled(first, &made, &made.Config, config) || s.pods[made.Sandbox] == nil {
		return nil
	}
	last := lastProgress(rest)
	if last.Started.IsZero() && last.Finished.IsZero() {
		return nil
	}
	p := s.pods[made.Sandbox]
	c := &ctr{
		id: id, name: containerName(config.GetMetadata(), p), pod: p, config: config, created: made.Created,
		image:      image.Image{ID: made.ImageID, RepoTags: made.RepoTags, RepoDigests: made.RepoDigests},
		stopSignal: syscall.Signal(made.StopSignal), user: made.User, logPath: logPath(p, config),
		record: filepath.Join(s.containerRecords(), id), resources: config.GetLinux().GetResources(),
		started: last.Started, finished: last.Finished, exitCode: last.ExitCode, reason: last.Reason, message: last.Message,
		stopped: make(chan struct{}), past: true,
	}
	c.dir = filepath.Join(s.containersDir(), id)
	close(c.stopped)
	if c.finished.IsZero() {
		c.finished, c.exitCode, c.reason = time.Now(), lostCode, lostReason
		c.noteLocked()
	}
	return c
}

// lastProgress is the last line, where there is one.
func lastProgress(data []byte) progress {
	var last progress
	for line := range bytes.Lines(data) {
		var next progress
		if json.Unmarshal(line, &next) == nil {
			last = next
		}
	}
	return last
}
