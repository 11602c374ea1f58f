package engine_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	clienttesting "k8s.io/client-go/testing"

	"drydock/engine/controller"
	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/daemonset"
	"drydock/engine/controller/deployment"
	"drydock/engine/controller/disruption"
	"drydock/engine/controller/endpointslice"
	"drydock/engine/controller/garbagecollector"
	"drydock/engine/controller/job"
	"drydock/engine/controller/namespace"
	"drydock/engine/controller/nodelifecycle"
	"drydock/engine/controller/podgc"
	"drydock/engine/controller/replicaset"
	"drydock/engine/controller/service"
	"drydock/engine/controller/statefulset"
	"drydock/engine/scheduler"
)

var stormSeed = flag.Uint64("storm.seed", 0, "repeat the storm of this seed")

const (
	stormNodes  = 4
	nodeTakes   = 12               // pods
	stormLength = 10 * time.Minute // of the bubble's time
	calmLength  = 20 * time.Minute
)

// TestStorm: whatever fails, in whatever order, when it ends the cluster becomes what was asked for. Parts are stopped and started,
// nodes lose their power, watches lose events, the API server refuses writes or answers too late, and people change their minds.
// While it lasts, nobody has more than they may have; afterwards everybody has what they asked for, and nothing is left over.
func TestStorm(t *testing.T) {
	seeds := []uint64{rand.Uint64(), rand.Uint64()}
	if *stormSeed != 0 {
		seeds = []uint64{*stormSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Logf("again: go test ./engine -run TestStorm -storm.seed %d", seed)
			synctest.Test(t, func(t *testing.T) { newStorm(t, seed).run() })
		})
	}
}

// storm is one cluster and what happens to it.
type storm struct {
	*controllertest.Cluster
	t        *testing.T
	random   *rand.Rand
	nodes    *nodes
	parts    []*component
	lossy    bool
	teams    int              // namespaces that have been made; all but the last have been deleted
	replicas map[string]int32 // what people last asked for

	mu sync.Mutex
	// guarded by mu
	trouble *rand.Rand // nil: the API server is well
}

func newStorm(t *testing.T, seed uint64) *storm {
	t.Helper()
	s := &storm{t: t, random: rand.New(rand.NewPCG(seed, 1)), replicas: map[string]int32{"web": 3, "db": 3}}
	s.Cluster = controllertest.New(t, asked()...)
	s.Client.Resources = discovered()
	s.Client.PrependReactor("*", "*", s.api)
	s.nodes = newNodes(s.Cluster)
	s.parts = []*component{
		{name: "controllers", cluster: s.Cluster, prepare: controllers},
		{name: "scheduler", cluster: s.Cluster, prepare: func(cfg controller.Config) ([]controllertest.Runner, error) {
			part, err := scheduler.New(scheduler.Config{Client: cfg.Client, Informers: cfg.Informers, Decisions: cfg.Decisions})
			return []controllertest.Runner{part}, err
		}},
	}
	return s
}

func (s *storm) run() {
	s.Start(s.nodes)
	for _, part := range s.parts {
		part.start(s.t)
		s.t.Cleanup(part.stop)
	}
	s.Advance(30 * time.Second)
	for end := time.Now().Add(stormLength); time.Now().Before(end); s.Advance(time.Duration(1+s.random.IntN(12)) * time.Second) {
		s.happen()
		s.Settle()
		s.nobodyHasTooMuch()
		s.Client.ClearActions()
	}
	s.calm()
	for range calmLength / time.Minute {
		s.Advance(time.Minute)
		s.nobodyHasTooMuch()
		s.Client.ClearActions()
	}
	s.everybodyHasTheirs()
	s.nothingIsLeftOver()
}

// happen is one thing that goes wrong, ends, or is wanted.
func (s *storm) happen() {
	happenings := []func(){
		s.toggleWatches, s.toggleAPI, s.togglePart, s.togglePart, s.togglePower, s.togglePower, s.togglePower,
		s.removeNode, s.cordon, s.deletePod, s.deletePod, s.scale, s.scale, s.roll, s.team, s.renew,
	}
	happenings[s.random.IntN(len(happenings))]()
}

// calm ends all that is wrong.
func (s *storm) calm() {
	s.Reliable()
	s.setTrouble(nil)
	for _, part := range s.parts {
		part.start(s.t)
	}
	for i := range stormNodes {
		s.nodes.power(nodeName(i), true)
	}
	s.Advance(10 * time.Second)
	for i := range stormNodes {
		s.setCordon(nodeName(i), false)
	}
	s.disband()
}

func (s *storm) toggleWatches() {
	if s.lossy = !s.lossy; s.lossy {
		s.Lossy(s.random.Uint64())
	} else {
		s.Reliable()
	}
}

func (s *storm) toggleAPI() {
	s.mu.Lock()
	well := s.trouble == nil
	s.mu.Unlock()
	if well {
		s.setTrouble(rand.New(rand.NewPCG(s.random.Uint64(), 2)))
	} else {
		s.setTrouble(nil)
	}
}

func (s *storm) setTrouble(trouble *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trouble = trouble
}

// api refuses some writes, and of others it loses the answer. A creation whose answer is lost would be repeated, as it would be
// upstream: that is no fault of a controller's.
func (s *storm) api(action clienttesting.Action) (bool, runtime.Object, error) {
	s.mu.Lock()
	trouble := s.trouble
	fate := 100
	if trouble != nil {
		fate = trouble.IntN(100)
	}
	s.mu.Unlock()
	verb := action.GetVerb()
	if verb == "get" || verb == "list" || verb == "watch" || action.GetResource().Resource == "events" {
		return false, nil, nil
	}
	switch {
	case fate < 15:
		return true, nil, apierrors.NewInternalError(fmt.Errorf("the storm took it"))
	case fate < 25 && verb != "create":
		for _, reactor := range s.Client.ReactionChain[1:] { // the caller holds the chain's lock
			if !reactor.Handles(action) {
				continue
			}
			if handled, _, _ := reactor.React(action.DeepCopy()); handled {
				return true, nil, apierrors.NewTimeoutError("the storm took the answer", 1)
			}
		}
	}
	return false, nil, nil
}

func (s *storm) togglePart() {
	part := s.parts[s.random.IntN(len(s.parts))]
	if part.running() {
		part.stop()
	} else {
		part.start(s.t)
	}
}

func (s *storm) togglePower() {
	name := nodeName(s.random.IntN(stormNodes))
	s.nodes.power(name, !s.nodes.hasPower(name))
}

// removeNode deletes a node that has no power; it registers again when it gets some.
func (s *storm) removeNode() {
	for i := range stormNodes {
		if name := nodeName(i); !s.nodes.hasPower(name) {
			s.undisturbed(func() error {
				return s.Client.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{})
			})
			return
		}
	}
}

func (s *storm) cordon() { s.setCordon(nodeName(s.random.IntN(stormNodes)), s.random.IntN(3) == 0) }

func (s *storm) setCordon(name string, closed bool) {
	s.undisturbed(func() error {
		node, err := s.Client.CoreV1().Nodes().Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		node.Spec.Unschedulable = closed
		_, err = s.Client.CoreV1().Nodes().Update(context.Background(), node, metav1.UpdateOptions{})
		return err
	})
}

func (s *storm) deletePod() {
	pods := s.pods()
	if len(pods) == 0 {
		return
	}
	pod := &pods[s.random.IntN(len(pods))]
	s.undisturbed(func() error {
		return s.Client.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name, metav1.DeleteOptions{})
	})
}

// scale asks for another number of web's pods, or db's.
func (s *storm) scale() {
	n := int32(s.random.IntN(7))
	if s.random.IntN(2) == 0 {
		s.changeDeployment("web", func(d *appsv1.Deployment) { d.Spec.Replicas = &n })
		s.replicas["web"] = n
		return
	}
	s.undisturbed(func() error {
		set, err := s.Client.AppsV1().StatefulSets("default").Get(context.Background(), "db", metav1.GetOptions{})
		if err != nil {
			return err
		}
		set.Spec.Replicas = &n
		_, err = s.Client.AppsV1().StatefulSets("default").Update(context.Background(), set, metav1.UpdateOptions{})
		return err
	})
	s.replicas["db"] = n
}

// roll changes the template of a deployment.
func (s *storm) roll() {
	name := []string{"web", "steady"}[s.random.IntN(2)]
	s.changeDeployment(name, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = fmt.Sprintf("drydock/web:%d", s.random.IntN(4))
	})
}

// renew deletes web and asks for the same again: what the first one leaves is in the second one's way, and must go.
func (s *storm) renew() {
	deployments, ctx := s.Client.AppsV1().Deployments("default"), context.Background()
	s.undisturbed(func() error {
		old, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		if err == nil {
			err = deployments.Delete(ctx, "web", metav1.DeleteOptions{})
		}
		if err == nil {
			again := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}, Spec: old.Spec}
			_, err = deployments.Create(ctx, again, metav1.CreateOptions{})
		}
		return err
	})
}

// team deletes the namespace that it has made the last time, and makes another one.
func (s *storm) team() {
	s.disband()
	s.teams++
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.teamName()}, Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}}}
	two := int32(2)
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: ns.Name, Name: "team"}, Spec: appsv1.ReplicaSetSpec{
		Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "team"}}, Template: template("team", corev1.RestartPolicyAlways),
	}}
	s.undisturbed(func() error {
		_, err := s.Client.CoreV1().Namespaces().Create(context.Background(), ns, metav1.CreateOptions{})
		if err == nil {
			_, err = s.Client.AppsV1().ReplicaSets(ns.Name).Create(context.Background(), set, metav1.CreateOptions{})
		}
		return err
	})
}

func (s *storm) teamName() string { return fmt.Sprintf("team-%d", s.teams) }

func (s *storm) disband() {
	s.undisturbed(func() error {
		return s.Client.CoreV1().Namespaces().Delete(context.Background(), s.teamName(), metav1.DeleteOptions{})
	})
}

func (s *storm) changeDeployment(name string, change func(*appsv1.Deployment)) {
	s.undisturbed(func() error {
		d, err := s.Client.AppsV1().Deployments("default").Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(d)
		_, err = s.Client.AppsV1().Deployments("default").Update(context.Background(), d, metav1.UpdateOptions{})
		return err
	})
}

// undisturbed is what people do: they repeat it until it is done. Only the storm's own loop may call it, while all others wait.
func (s *storm) undisturbed(do func() error) {
	s.mu.Lock()
	trouble := s.trouble
	s.mu.Unlock()
	s.setTrouble(nil)
	if err := do(); err != nil && !apierrors.IsNotFound(err) {
		s.t.Fatal(err)
	}
	s.setTrouble(trouble)
}

// component is a process of the control plane with informers of its own.
type component struct {
	name    string
	cluster *controllertest.Cluster
	prepare func(controller.Config) ([]controllertest.Runner, error)
	cancel  context.CancelFunc // nil: it is stopped
	wait    func()
}

func (c *component) running() bool { return c.cancel != nil }

func (c *component) start(t *testing.T) {
	t.Helper()
	if c.running() {
		return
	}
	factory := informers.NewSharedInformerFactory(c.cluster.Client, 0)
	cfg := c.cluster.Config()
	cfg.Informers = factory
	runners, err := c.prepare(cfg)
	if err != nil {
		t.Fatalf("prepare %s: %v", c.name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory.StartWithContext(ctx)
	var all sync.WaitGroup
	for _, r := range runners {
		all.Go(func() { _ = r.Run(ctx) }) // it ends with ctx's error
	}
	c.cancel, c.wait = cancel, func() { all.Wait(); factory.Shutdown() }
}

func (c *component) stop() {
	if !c.running() {
		return
	}
	c.cancel()
	c.wait()
	c.cancel = nil
}

func controllers(cfg controller.Config) ([]controllertest.Runner, error) {
	var runners []controllertest.Runner
	for _, make := range []func() (controllertest.Runner, error){
		func() (controllertest.Runner, error) { return replicaset.New(cfg) },
		func() (controllertest.Runner, error) { return deployment.New(cfg) },
		func() (controllertest.Runner, error) { return statefulset.New(cfg) },
		func() (controllertest.Runner, error) { return daemonset.New(cfg) },
		func() (controllertest.Runner, error) { return job.New(cfg) },
		func() (controllertest.Runner, error) { return garbagecollector.New(cfg) },
		func() (controllertest.Runner, error) { return namespace.New(cfg) },
		func() (controllertest.Runner, error) {
			return nodelifecycle.New(cfg, nodelifecycle.Options{GracePeriod: 40 * time.Second})
		},
		func() (controllertest.Runner, error) { return podgc.New(cfg, podgc.Options{}) },
		func() (controllertest.Runner, error) { return disruption.New(cfg) },
		func() (controllertest.Runner, error) { return endpointslice.New(cfg) },
		func() (controllertest.Runner, error) {
			return service.New(cfg, netip.MustParseAddr("172.30.1.1"), netip.MustParseAddr("172.30.1.9"))
		},
	} {
		r, err := make()
		if err != nil {
			return nil, err
		}
		runners = append(runners, r)
	}
	return runners, nil
}

// discovered is what the API server says it serves.
func discovered() []*metav1.APIResourceList {
	lists := []*metav1.APIResourceList{}
	for group, kinds := range map[string]string{
		"v1":                  "Pod Service Event ConfigMap",
		"apps/v1":             "ReplicaSet Deployment StatefulSet DaemonSet ControllerRevision",
		"batch/v1":            "Job",
		"discovery.k8s.io/v1": "EndpointSlice",
	} {
		list := &metav1.APIResourceList{GroupVersion: group}
		for kind := range strings.FieldsSeq(kinds) {
			list.APIResources = append(list.APIResources, metav1.APIResource{
				Name: strings.ToLower(kind) + "s", Kind: kind, Namespaced: true,
				Verbs: metav1.Verbs{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
			})
		}
		lists = append(lists, list)
	}
	return lists
}

// asked is what people want: something of each kind that runs pods.
func asked() []runtime.Object {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "default", Name: name} }
	selector := func(app string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	}
	n := func(n int32) *int32 { return &n }
	one, none := intOrString(1), intOrString(0)
	forever := corev1.RestartPolicyAlways
	return []runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		&appsv1.Deployment{ObjectMeta: meta("web"), Spec: appsv1.DeploymentSpec{
			Replicas: n(3), Selector: selector("web"), Template: template("web", forever), RevisionHistoryLimit: n(2),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &one, MaxUnavailable: &one}},
		}},
		&appsv1.Deployment{ObjectMeta: meta("steady"), Spec: appsv1.DeploymentSpec{
			Replicas: n(4), Selector: selector("steady"), Template: template("steady", forever), RevisionHistoryLimit: n(2),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &one, MaxUnavailable: &none}},
		}},
		&appsv1.ReplicaSet{ObjectMeta: meta("plain"), Spec: appsv1.ReplicaSetSpec{Replicas: n(3), Selector: selector("plain"), Template: template("plain", forever)}},
		&appsv1.StatefulSet{ObjectMeta: meta("db"), Spec: appsv1.StatefulSetSpec{
			Replicas: n(3), ServiceName: "db", Selector: selector("db"), Template: template("db", forever), PodManagementPolicy: appsv1.OrderedReadyPodManagement,
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}, RevisionHistoryLimit: n(2),
		}},
		&appsv1.DaemonSet{ObjectMeta: meta("agent"), Spec: appsv1.DaemonSetSpec{
			Selector: selector("agent"), Template: template("agent", forever), RevisionHistoryLimit: n(2),
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType, RollingUpdate: &appsv1.RollingUpdateDaemonSet{MaxUnavailable: &one, MaxSurge: &none}},
		}},
		&batchv1.Job{ObjectMeta: meta("sum"), Spec: batchv1.JobSpec{
			Completions: n(20), Parallelism: n(2), BackoffLimit: n(1000), Selector: selector("sum"), Template: template("sum", corev1.RestartPolicyNever),
		}},
		&corev1.Service{ObjectMeta: meta("web"), Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "web"}, ClusterIP: "10.96.0.7", IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol},
			Ports: []corev1.ServicePort{{Port: 80, TargetPort: intOrString(80)}},
		}},
	}
}

func template(app string, restart corev1.RestartPolicy) corev1.PodTemplateSpec {
	container := corev1.Container{Name: "c", Image: "drydock/web:1"}
	container.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{SchedulerName: "default-scheduler", RestartPolicy: restart, Containers: []corev1.Container{container}, Tolerations: leavesSilentNodes()},
	}
}
