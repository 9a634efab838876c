/**
 * Field tables of the Kubernetes messages that clients send as protobuf: core kinds, their metadata, and the reviews of `kubectl auth`. Data for
 * `protobuf_decoder.ts`; the numbers are those of `k8s.io/api` and `k8s.io/apimachinery` (`generated.proto`), which never change once released.
 *
 * One line per message: `number name[mark] [type]`, separated by commas; the type is `string` when left out.
 *
 * - `name[]` is a list, `name{}` a map with string keys.
 * - `name?` keeps a zero value that is on the wire: a pointer in Go, or a field that JSON always shows. Other zero values are how Go writes "left
 *   out", and are dropped.
 * - `name+` is embedded: its fields stand in the message around it, as they do in JSON.
 *
 * Volume sources of single vendors are left out on purpose: a number that no table has is refused by name, never dropped.
 *
 * @module
 */

/** Message name to its fields, in the notation of this module. */
export const CORE_MESSAGES: Readonly<Record<string, string>> = {
  // Served kinds
  Namespace: "1 metadata ObjectMeta, 2 spec NamespaceSpec, 3 status NamespaceStatus",
  Node: "1 metadata ObjectMeta, 2 spec NodeSpec, 3 status NodeStatus",
  Pod: "1 metadata ObjectMeta, 2 spec PodSpec, 3 status PodStatus",
  Service: "1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus",
  ServiceAccount: "1 metadata ObjectMeta, 2 secrets[] ObjectReference, 3 imagePullSecrets[] LocalObjectReference, " +
    "4 automountServiceAccountToken? bool",

  // Options and reviews
  DeleteOptions: "1 gracePeriodSeconds? int, 2 preconditions Preconditions, 3 orphanDependents? bool, " +
    "4 propagationPolicy?, 5 dryRun[], 6 ignoreStoreReadErrorWithClusterBreakingPotential? bool",
  Preconditions: "1 uid?, 2 resourceVersion?",
  SelfSubjectReview: "1 metadata ObjectMeta, 2 status SelfSubjectReviewStatus",
  SelfSubjectReviewStatus: "1 userInfo UserInfo",
  UserInfo: "1 username, 2 uid, 3 groups[], 4 extra{} ExtraValue",
  ExtraValue: "1 items[]",
  SelfSubjectAccessReview:
    "1 metadata ObjectMeta, 2 spec SelfSubjectAccessReviewSpec, 3 status SubjectAccessReviewStatus",
  SelfSubjectAccessReviewSpec: "1 resourceAttributes ResourceAttributes, 2 nonResourceAttributes NonResourceAttributes",
  ResourceAttributes: "1 namespace, 2 verb, 3 group, 4 version, 5 resource, 6 subresource, 7 name, " +
    "8 fieldSelector FieldSelectorAttributes, 9 labelSelector LabelSelectorAttributes",
  FieldSelectorAttributes: "1 rawSelector, 2 requirements[] SelectorRequirement",
  LabelSelectorAttributes: "1 rawSelector, 2 requirements[] SelectorRequirement",
  NonResourceAttributes: "1 path, 2 verb",
  SubjectAccessReviewStatus: "1 allowed? bool, 4 denied bool, 2 reason, 3 evaluationError",
  SelfSubjectRulesReview: "1 metadata ObjectMeta, 2 spec SelfSubjectRulesReviewSpec, 3 status SubjectRulesReviewStatus",
  SelfSubjectRulesReviewSpec: "1 namespace",
  SubjectRulesReviewStatus: "1 resourceRules[] ResourceRule, 2 nonResourceRules[] NonResourceRule, " +
    "3 incomplete? bool, 4 evaluationError",
  ResourceRule: "1 verbs[], 2 apiGroups[], 3 resources[], 4 resourceNames[]",
  NonResourceRule: "1 verbs[], 2 nonResourceURLs[]",

  // Metadata and references
  ObjectMeta: "1 name, 2 generateName, 3 namespace, 4 selfLink, 5 uid, 6 resourceVersion, 7 generation int, " +
    "8 creationTimestamp Time, 9 deletionTimestamp Time, 10 deletionGracePeriodSeconds? int, 11 labels{}, " +
    "12 annotations{}, 13 ownerReferences[] OwnerReference, 14 finalizers[], 17 managedFields[] ManagedFieldsEntry",
  OwnerReference: "5 apiVersion, 1 kind, 3 name, 4 uid, 6 controller? bool, 7 blockOwnerDeletion? bool",
  ManagedFieldsEntry: "1 manager, 2 operation, 3 apiVersion, 4 time Time, 6 fieldsType, 7 fieldsV1 FieldsV1, " +
    "8 subresource",
  ObjectReference: "1 kind, 2 namespace, 3 name, 4 uid, 5 apiVersion, 6 resourceVersion, 7 fieldPath",
  LocalObjectReference: "1 name",
  LabelSelector: "1 matchLabels{}, 2 matchExpressions[] SelectorRequirement",
  SelectorRequirement: "1 key, 2 operator, 3 values[]",

  // Namespace
  NamespaceSpec: "1 finalizers[]",
  NamespaceStatus: "1 phase, 2 conditions[] NamespaceCondition",
  NamespaceCondition: "1 type, 2 status, 4 lastTransitionTime Time, 5 reason, 6 message",

  // Node
  NodeSpec: "1 podCIDR, 7 podCIDRs[], 3 providerID, 4 unschedulable bool, 5 taints[] Taint, 2 externalID",
  Taint: "1 key, 2 value, 3 effect, 4 timeAdded Time",
  NodeStatus: "1 capacity{} Quantity, 2 allocatable{} Quantity, 3 phase, 4 conditions[] NodeCondition, " +
    "5 addresses[] NodeAddress, 6 daemonEndpoints NodeDaemonEndpoints, 7 nodeInfo NodeSystemInfo, " +
    "8 images[] ContainerImage, 9 volumesInUse[], 10 volumesAttached[] AttachedVolume, " +
    "12 runtimeHandlers[] NodeRuntimeHandler, 13 features NodeFeatures",
  NodeCondition: "1 type, 2 status, 3 lastHeartbeatTime Time, 4 lastTransitionTime Time, 5 reason, 6 message",
  NodeAddress: "1 type, 2 address",
  NodeDaemonEndpoints: "1 kubeletEndpoint DaemonEndpoint",
  DaemonEndpoint: "1 Port? int",
  NodeSystemInfo: "1 machineID?, 2 systemUUID?, 3 bootID?, 4 kernelVersion?, 5 osImage?, 6 containerRuntimeVersion?, " +
    "7 kubeletVersion?, 8 kubeProxyVersion?, 9 operatingSystem?, 10 architecture?, 11 swap NodeSwapStatus",
  NodeSwapStatus: "1 capacity? int",
  ContainerImage: "1 names[], 2 sizeBytes int",
  AttachedVolume: "1 name, 2 devicePath?",
  NodeRuntimeHandler: "1 name, 2 features NodeRuntimeHandlerFeatures",
  NodeRuntimeHandlerFeatures: "1 recursiveReadOnlyMounts? bool, 2 userNamespaces? bool",
  NodeFeatures: "1 supplementalGroupsPolicy? bool",

  // Service
  ServiceSpec: "1 ports[] ServicePort, 2 selector{}, 3 clusterIP, 18 clusterIPs[], 4 type, 5 externalIPs[], " +
    "7 sessionAffinity, 8 loadBalancerIP, 9 loadBalancerSourceRanges[], 10 externalName, 11 externalTrafficPolicy, " +
    "12 healthCheckNodePort int, 13 publishNotReadyAddresses bool, 14 sessionAffinityConfig SessionAffinityConfig, " +
    "17 ipFamilyPolicy?, 19 ipFamilies[], 20 allocateLoadBalancerNodePorts? bool, 21 loadBalancerClass?, " +
    "22 internalTrafficPolicy?, 23 trafficDistribution?",
  ServicePort: "1 name, 2 protocol, 6 appProtocol?, 3 port? int, 4 targetPort IntOrString, 5 nodePort int",
  SessionAffinityConfig: "1 clientIP ClientIPConfig",
  ClientIPConfig: "1 timeoutSeconds? int",
  ServiceStatus: "1 loadBalancer LoadBalancerStatus, 2 conditions[] Condition",
  LoadBalancerStatus: "1 ingress[] LoadBalancerIngress",
  LoadBalancerIngress: "1 ip, 2 hostname, 3 ipMode?, 4 ports[] PortStatus",
  PortStatus: "1 port? int, 2 protocol, 3 error?",
  Condition: "1 type, 2 status, 3 observedGeneration int, 4 lastTransitionTime Time, 5 reason, 6 message",

  // Pod
  PodSpec: "1 volumes[] Volume, 20 initContainers[] Container, 2 containers[] Container, " +
    "34 ephemeralContainers[] EphemeralContainer, 3 restartPolicy, 4 terminationGracePeriodSeconds? int, " +
    "5 activeDeadlineSeconds? int, 6 dnsPolicy, 7 nodeSelector{}, 8 serviceAccountName, 9 serviceAccount, " +
    "21 automountServiceAccountToken? bool, 10 nodeName, 11 hostNetwork bool, 12 hostPID bool, 13 hostIPC bool, " +
    "27 shareProcessNamespace? bool, 14 securityContext PodSecurityContext, " +
    "15 imagePullSecrets[] LocalObjectReference, 16 hostname, 17 subdomain, 18 affinity Affinity, 19 schedulerName, " +
    "22 tolerations[] Toleration, 23 hostAliases[] HostAlias, 24 priorityClassName, 25 priority? int, " +
    "26 dnsConfig PodDNSConfig, 28 readinessGates[] PodReadinessGate, 29 runtimeClassName?, " +
    "30 enableServiceLinks? bool, 31 preemptionPolicy?, 32 overhead{} Quantity, " +
    "33 topologySpreadConstraints[] TopologySpreadConstraint, 35 setHostnameAsFQDN? bool, 36 os PodOS, " +
    "37 hostUsers? bool, 38 schedulingGates[] PodSchedulingGate, 39 resourceClaims[] PodResourceClaim, " +
    "40 resources ResourceRequirements, 41 hostnameOverride?",
  Toleration: "1 key, 2 operator, 3 value, 4 effect, 5 tolerationSeconds? int",
  HostAlias: "1 ip, 2 hostnames[]",
  PodDNSConfig: "1 nameservers[], 2 searches[], 3 options[] PodDNSConfigOption",
  PodDNSConfigOption: "1 name, 2 value?",
  PodReadinessGate: "1 conditionType",
  TopologySpreadConstraint: "1 maxSkew? int, 2 topologyKey, 3 whenUnsatisfiable, 4 labelSelector LabelSelector, " +
    "5 minDomains? int, 6 nodeAffinityPolicy?, 7 nodeTaintsPolicy?, 8 matchLabelKeys[]",
  PodOS: "1 name",
  PodSchedulingGate: "1 name",
  PodResourceClaim: "1 name, 3 resourceClaimName?, 4 resourceClaimTemplateName?",
  ResourceRequirements: "1 limits{} Quantity, 2 requests{} Quantity, 3 claims[] ResourceClaim",
  ResourceClaim: "1 name, 2 request",

  // Security contexts
  PodSecurityContext: "1 seLinuxOptions SELinuxOptions, 8 windowsOptions WindowsSecurityContextOptions, " +
    "2 runAsUser? int, 6 runAsGroup? int, 3 runAsNonRoot? bool, 4 supplementalGroups[] int, " +
    "12 supplementalGroupsPolicy?, 5 fsGroup? int, 7 sysctls[] NameValue, 9 fsGroupChangePolicy?, " +
    "10 seccompProfile LocalhostProfile, 11 appArmorProfile LocalhostProfile, 13 seLinuxChangePolicy?",
  SecurityContext: "1 capabilities Capabilities, 2 privileged? bool, 3 seLinuxOptions SELinuxOptions, " +
    "10 windowsOptions WindowsSecurityContextOptions, 4 runAsUser? int, 8 runAsGroup? int, 5 runAsNonRoot? bool, " +
    "6 readOnlyRootFilesystem? bool, 7 allowPrivilegeEscalation? bool, 9 procMount?, " +
    "11 seccompProfile LocalhostProfile, 12 appArmorProfile LocalhostProfile",
  Capabilities: "1 add[], 2 drop[]",
  SELinuxOptions: "1 user, 2 role, 3 type, 4 level",
  WindowsSecurityContextOptions: "1 gmsaCredentialSpecName?, 2 gmsaCredentialSpec?, 3 runAsUserName?, " +
    "4 hostProcess? bool",
  LocalhostProfile: "1 type, 2 localhostProfile?",
  NameValue: "1 name, 2 value?",

  // Affinity
  Affinity: "1 nodeAffinity NodeAffinity, 2 podAffinity PodAffinity, 3 podAntiAffinity PodAffinity",
  NodeAffinity: "1 requiredDuringSchedulingIgnoredDuringExecution NodeSelector, " +
    "2 preferredDuringSchedulingIgnoredDuringExecution[] PreferredSchedulingTerm",
  PodAffinity: "1 requiredDuringSchedulingIgnoredDuringExecution[] PodAffinityTerm, " +
    "2 preferredDuringSchedulingIgnoredDuringExecution[] WeightedPodAffinityTerm",
  NodeSelector: "1 nodeSelectorTerms[] NodeSelectorTerm",
  NodeSelectorTerm: "1 matchExpressions[] SelectorRequirement, 2 matchFields[] SelectorRequirement",
  PreferredSchedulingTerm: "1 weight? int, 2 preference NodeSelectorTerm",
  PodAffinityTerm:
    "1 labelSelector LabelSelector, 2 namespaces[], 3 topologyKey?, 4 namespaceSelector LabelSelector, " +
    "5 matchLabelKeys[], 6 mismatchLabelKeys[]",
  WeightedPodAffinityTerm: "1 weight? int, 2 podAffinityTerm PodAffinityTerm",

  // Containers
  Container: "1 name, 2 image, 3 command[], 4 args[], 5 workingDir, 6 ports[] ContainerPort, " +
    "19 envFrom[] EnvFromSource, 7 env[] EnvVar, 8 resources ResourceRequirements, " +
    "23 resizePolicy[] ContainerResizePolicy, 24 restartPolicy?, 25 restartPolicyRules[] ContainerRestartRule, " +
    "9 volumeMounts[] VolumeMount, 21 volumeDevices[] VolumeDevice, 10 livenessProbe Probe, 11 readinessProbe Probe, " +
    "22 startupProbe Probe, 12 lifecycle Lifecycle, 13 terminationMessagePath, 20 terminationMessagePolicy, " +
    "14 imagePullPolicy, 15 securityContext SecurityContext, 16 stdin bool, 17 stdinOnce bool, 18 tty bool",
  EphemeralContainer: "1 common+ Container, 2 targetContainerName",
  ContainerPort: "1 name, 2 hostPort int, 3 containerPort? int, 4 protocol, 5 hostIP",
  ContainerResizePolicy: "1 resourceName, 2 restartPolicy",
  ContainerRestartRule: "1 action, 2 exitCodes ContainerRestartRuleOnExitCodes",
  ContainerRestartRuleOnExitCodes: "1 operator, 2 values[] int",
  EnvFromSource: "1 prefix, 2 configMapRef NamedSource, 3 secretRef NamedSource",
  NamedSource: "1 reference+ LocalObjectReference, 2 optional? bool",
  EnvVar: "1 name, 2 value, 3 valueFrom EnvVarSource",
  EnvVarSource: "1 fieldRef ObjectFieldSelector, 2 resourceFieldRef ResourceFieldSelector, " +
    "3 configMapKeyRef KeySelector, 4 secretKeyRef KeySelector, 5 fileKeyRef FileKeySelector",
  ObjectFieldSelector: "1 apiVersion, 2 fieldPath?",
  ResourceFieldSelector: "1 containerName, 2 resource?, 3 divisor Quantity",
  KeySelector: "1 reference+ LocalObjectReference, 2 key?, 3 optional? bool",
  FileKeySelector: "1 volumeName, 2 path, 3 key, 4 optional? bool",
  Probe: "1 handler+ Handler, 2 initialDelaySeconds int, 3 timeoutSeconds int, 4 periodSeconds int, " +
    "5 successThreshold int, 6 failureThreshold int, 7 terminationGracePeriodSeconds? int",
  Handler: "1 exec ExecAction, 2 httpGet HTTPGetAction, 3 tcpSocket TCPSocketAction, 4 grpc GRPCAction",
  Lifecycle: "1 postStart LifecycleHandler, 2 preStop LifecycleHandler, 3 stopSignal?",
  LifecycleHandler: "1 exec ExecAction, 2 httpGet HTTPGetAction, 3 tcpSocket TCPSocketAction, 4 sleep SleepAction",
  ExecAction: "1 command[]",
  HTTPGetAction: "1 path, 2 port IntOrString, 3 host, 4 scheme, 5 httpHeaders[] NameValue",
  TCPSocketAction: "1 port IntOrString, 2 host",
  GRPCAction: "1 port? int, 2 service?",
  SleepAction: "1 seconds? int",

  // Volumes
  VolumeMount: "1 name, 2 readOnly bool, 7 recursiveReadOnly?, 3 mountPath, 4 subPath, 5 mountPropagation?, " +
    "6 subPathExpr",
  VolumeDevice: "1 name, 2 devicePath",
  Volume: "1 name, 2 source+ VolumeSource",
  VolumeSource: "1 hostPath HostPathVolumeSource, 2 emptyDir EmptyDirVolumeSource, 6 secret SecretVolumeSource, " +
    "7 nfs NFSVolumeSource, 10 persistentVolumeClaim PersistentVolumeClaimVolumeSource, " +
    "16 downwardAPI DownwardAPIVolumeSource, 19 configMap ConfigMapVolumeSource, 26 projected ProjectedVolumeSource, " +
    "28 csi CSIVolumeSource, 29 ephemeral EphemeralVolumeSource, 30 image ImageVolumeSource",
  HostPathVolumeSource: "1 path, 2 type?",
  EmptyDirVolumeSource: "1 medium, 2 sizeLimit Quantity",
  SecretVolumeSource: "1 secretName, 2 items[] KeyToPath, 3 defaultMode? int, 4 optional? bool",
  ConfigMapVolumeSource: "1 reference+ LocalObjectReference, 2 items[] KeyToPath, 3 defaultMode? int, 4 optional? bool",
  KeyToPath: "1 key, 2 path, 3 mode? int",
  NFSVolumeSource: "1 server, 2 path, 3 readOnly bool",
  PersistentVolumeClaimVolumeSource: "1 claimName, 2 readOnly bool",
  DownwardAPIVolumeSource: "1 items[] DownwardAPIVolumeFile, 2 defaultMode? int",
  DownwardAPIVolumeFile: "1 path, 2 fieldRef ObjectFieldSelector, 3 resourceFieldRef ResourceFieldSelector, " +
    "4 mode? int",
  ProjectedVolumeSource: "1 sources[] VolumeProjection, 2 defaultMode? int",
  VolumeProjection: "1 secret NamedProjection, 2 downwardAPI DownwardAPIProjection, 3 configMap NamedProjection, " +
    "4 serviceAccountToken ServiceAccountTokenProjection, 5 clusterTrustBundle ClusterTrustBundleProjection",
  NamedProjection: "1 reference+ LocalObjectReference, 2 items[] KeyToPath, 4 optional? bool",
  DownwardAPIProjection: "1 items[] DownwardAPIVolumeFile",
  ServiceAccountTokenProjection: "1 audience, 2 expirationSeconds? int, 3 path",
  ClusterTrustBundleProjection: "1 name?, 2 signerName?, 3 labelSelector LabelSelector, 5 optional? bool, 4 path",
  CSIVolumeSource: "1 driver, 2 readOnly? bool, 3 fsType?, 4 volumeAttributes{}, " +
    "5 nodePublishSecretRef LocalObjectReference",
  EphemeralVolumeSource: "1 volumeClaimTemplate PersistentVolumeClaimTemplate",
  PersistentVolumeClaimTemplate: "1 metadata ObjectMeta, 2 spec PersistentVolumeClaimSpec",
  PersistentVolumeClaimSpec: "1 accessModes[], 4 selector LabelSelector, 2 resources VolumeResourceRequirements, " +
    "3 volumeName, 5 storageClassName?, 6 volumeMode?, 7 dataSource TypedObjectReference, " +
    "8 dataSourceRef TypedObjectReference, 9 volumeAttributesClassName?",
  VolumeResourceRequirements: "1 limits{} Quantity, 2 requests{} Quantity",
  TypedObjectReference: "1 apiGroup?, 2 kind, 3 name, 4 namespace?",
  ImageVolumeSource: "1 reference, 2 pullPolicy",

  // Pod status
  PodStatus: "17 observedGeneration int, 1 phase, 2 conditions[] PodCondition, 3 message, 4 reason, " +
    "11 nominatedNodeName, 5 hostIP, 16 hostIPs[] PodAddress, 6 podIP, 12 podIPs[] PodAddress, 7 startTime Time, " +
    "10 initContainerStatuses[] ContainerStatus, 8 containerStatuses[] ContainerStatus, 9 qosClass, " +
    "13 ephemeralContainerStatuses[] ContainerStatus, 14 resize, 15 resourceClaimStatuses[] PodResourceClaimStatus",
  PodCondition: "1 type, 7 observedGeneration int, 2 status, 3 lastProbeTime Time, 4 lastTransitionTime Time, " +
    "5 reason, 6 message",
  PodAddress: "1 ip",
  PodResourceClaimStatus: "1 name, 2 resourceClaimName?",
  ContainerStatus: "1 name, 2 state ContainerState, 3 lastState ContainerState, 4 ready? bool, 5 restartCount? int, " +
    "6 image, 7 imageID, 8 containerID, 9 started? bool, 10 allocatedResources{} Quantity, " +
    "11 resources ResourceRequirements, 12 volumeMounts[] VolumeMountStatus, 13 user ContainerUser, " +
    "14 allocatedResourcesStatus[] ResourceStatus, 15 stopSignal?",
  ContainerState: "1 waiting ContainerStateWaiting, 2 running ContainerStateRunning, " +
    "3 terminated ContainerStateTerminated",
  ContainerStateWaiting: "1 reason, 2 message",
  ContainerStateRunning: "1 startedAt Time",
  ContainerStateTerminated:
    "1 exitCode? int, 2 signal int, 3 reason, 4 message, 5 startedAt Time, 6 finishedAt Time, " +
    "7 containerID",
  VolumeMountStatus: "1 name, 2 mountPath, 3 readOnly bool, 4 recursiveReadOnly?",
  ContainerUser: "1 linux LinuxContainerUser",
  LinuxContainerUser: "1 uid? int, 2 gid? int, 3 supplementalGroups[] int",
  ResourceStatus: "1 name, 2 resources[] ResourceHealth",
  ResourceHealth: "1 resourceID, 2 health",
};
