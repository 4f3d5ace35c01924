/// What XNNPACK asks libcpuinfo, answered by the library that lies beside the addon, opened at the first question. A
/// package is linked with this: its addon also loads where that library does not, being too new for the system (glibc
/// before 2.34, such as JetPack 5's), and then tells the processor's features from what the kernel or itself says.
#include <cpuinfo.h>
#include <dlfcn.h>
#if CPUINFO_ARCH_ARM64
#include <sys/auxv.h>
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

extern "C" {
#if CPUINFO_ARCH_ARM64
cpuinfo_arm_isa cpuinfo_isa;
#else
cpuinfo_x86_isa cpuinfo_isa;
#endif
}

namespace {

decltype(&cpuinfo_get_core) get_core = nullptr;
decltype(&cpuinfo_get_uarch) get_uarch = nullptr;

/// Only a name in the folder of the addon itself: what the system has under it may lay out its memory in another way.
void* open_beside() {
  Dl_info self{};
  if (dladdr(reinterpret_cast<void*>(&open_beside), &self) == 0 || self.dli_fname == nullptr) return nullptr;
  const std::string path = self.dli_fname;
  const std::size_t end = path.rfind('/');
  const std::string folder = end == std::string::npos ? "." : path.substr(0, end);
  return dlopen((folder + "/libcpuinfo.so.0").c_str(), RTLD_NOW | RTLD_LOCAL);
}

bool from_library() {
  // Never closed: XNNPACK keeps pointers into it.
  void* const library = open_beside();
  if (library == nullptr) return false;
  const auto initialize = reinterpret_cast<decltype(&cpuinfo_initialize)>(dlsym(library, "cpuinfo_initialize"));
  const void* const isa = dlsym(library, "cpuinfo_isa");
  get_core = reinterpret_cast<decltype(get_core)>(dlsym(library, "cpuinfo_get_core"));
  get_uarch = reinterpret_cast<decltype(get_uarch)>(dlsym(library, "cpuinfo_get_uarch"));
  if (initialize == nullptr || isa == nullptr || get_core == nullptr || get_uarch == nullptr || !initialize()) return false;
  std::memcpy(&cpuinfo_isa, isa, sizeof(cpuinfo_isa));
  return true;
}

void read_features() {
#if CPUINFO_ARCH_ARM64
  const unsigned long has = getauxval(AT_HWCAP);
  cpuinfo_isa.aes = (has & HWCAP_AES) != 0;
  cpuinfo_isa.pmull = (has & HWCAP_PMULL) != 0;
  cpuinfo_isa.sha1 = (has & HWCAP_SHA1) != 0;
  cpuinfo_isa.sha2 = (has & HWCAP_SHA2) != 0;
  cpuinfo_isa.crc32 = (has & HWCAP_CRC32) != 0;
  cpuinfo_isa.atomics = (has & HWCAP_ATOMICS) != 0;
  cpuinfo_isa.rdm = (has & HWCAP_ASIMDRDM) != 0;
  cpuinfo_isa.fp16arith = (has & HWCAP_FPHP) != 0 && (has & HWCAP_ASIMDHP) != 0;
  cpuinfo_isa.dot = (has & HWCAP_ASIMDDP) != 0;
#else
  __builtin_cpu_init();
  cpuinfo_isa.sse3 = __builtin_cpu_supports("sse3");
  cpuinfo_isa.ssse3 = __builtin_cpu_supports("ssse3");
  cpuinfo_isa.sse4_1 = __builtin_cpu_supports("sse4.1");
  cpuinfo_isa.avx = __builtin_cpu_supports("avx");
  cpuinfo_isa.f16c = __builtin_cpu_supports("f16c");
  cpuinfo_isa.fma3 = __builtin_cpu_supports("fma");
  cpuinfo_isa.avx2 = __builtin_cpu_supports("avx2");
  cpuinfo_isa.avx512f = __builtin_cpu_supports("avx512f");
  cpuinfo_isa.avx512cd = __builtin_cpu_supports("avx512cd");
  cpuinfo_isa.avx512dq = __builtin_cpu_supports("avx512dq");
  cpuinfo_isa.avx512bw = __builtin_cpu_supports("avx512bw");
  cpuinfo_isa.avx512vl = __builtin_cpu_supports("avx512vl");
  cpuinfo_isa.avx512vbmi = __builtin_cpu_supports("avx512vbmi");
  cpuinfo_isa.avx512vnni = __builtin_cpu_supports("avx512vnni");
  cpuinfo_isa.gfni = __builtin_cpu_supports("gfni");
#endif
}

/// The processor by its features alone: XNNPACK then takes the kernels that suit most.
bool by_features() {
  read_features();
  static cpuinfo_core core{};
  static cpuinfo_uarch_info uarch{};
  get_core = [](std::uint32_t) -> const cpuinfo_core* { return &core; };
  get_uarch = [](std::uint32_t index) -> const cpuinfo_uarch_info* { return index == 0 ? &uarch : nullptr; };
  return true;
}

}  // namespace

extern "C" {

bool cpuinfo_initialize() {
  static const bool known = from_library() || by_features();
  return known;
}

const cpuinfo_core* cpuinfo_get_core(std::uint32_t index) { return get_core(index); }

const cpuinfo_uarch_info* cpuinfo_get_uarch(std::uint32_t index) { return get_uarch(index); }

}
