// A CUDA driver and NVRTC made of the CPU, to test what opens and calls them: "compiling" makes a shared object out of the CUDA
// text with cuda_on_cpu.hpp in front, "launching" runs it. What drivers are strict about, it is too: calls need a current
// context, memory and modules belong to one, copies take place later, and after some errors a context is good for nothing.
// Environment variables make it what it is, and make it fail:
//   FAKE_CUDA_INIT, FAKE_CUDA_LAUNCH, FAKE_NVRTC  error codes
//   FAKE_CUDA_CONTEXT (code), FAKE_CUDA_BUSY (device)   no context is to be had; of that device alone, if it is named
//   FAKE_CUDA_DEVICES (number), FAKE_CUDA_MEMORY (bytes), FAKE_CUDA_CAPABILITY (90), FAKE_CUDA_SLOW (device), FAKE_CUDA_VERSION
//   (13000) FAKE_NVRTC_VERSION (13), FAKE_NVRTC_HALVES (if set, the compiler wants its other half, by its bare name)
// FAKE_CUDA_SCRATCH: the folder for what is compiled, where it is found again by all processes; else it is for one use, in /tmp.
// Built by tests as a shared library, which knows the folder of the header as FAKE_CUDA_HEADERS. Built with another
// FAKE_NVRTC_MAJOR and FAKE_NVRTC_KNOWS, it is another toolkit.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <deque>
#include <fstream>
#include <map>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace {

#ifndef FAKE_NVRTC_MAJOR
#define FAKE_NVRTC_MAJOR 13
#endif
#ifndef FAKE_NVRTC_KNOWS
#define FAKE_NVRTC_KNOWS 75, 80, 90
#endif

long setting(const char* name, long otherwise) {
  const char* value = std::getenv(name);
  return value && *value ? std::atol(value) : otherwise;
}

struct Context {
  int device = 0, references = 0;
  int dead = 0;  // the error that it died of
};

struct Module {
  void* library;
  Context* context;
};

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
};

struct Block {
  std::size_t bytes;
  Context* context;
};

constexpr int invalid_value = 1, invalid_context = 201, invalid_handle = 400, not_found = 500;

std::recursive_mutex mutex;
std::size_t used = 0, uploaded = 0, launches = 0, modules = 0;
std::map<unsigned long long, Block> blocks;
std::map<int, Context> contexts;
std::vector<Copy> pending;
thread_local std::vector<Context*> current;

std::size_t memory() { return static_cast<std::size_t>(setting("FAKE_CUDA_MEMORY", 1L << 30)); }

// What every call that needs a context begins with.
int problem() {
  if (current.empty() || !current.back()) return invalid_context;
  return current.back()->dead;
}

// What a stream has left to do.
void catch_up() {
  for (const Copy& copy : pending) std::memcpy(copy.to, copy.from, copy.bytes);
  pending.clear();
}

bool kills(int code) { return code == 700 || code == 702 || code == 719; }

struct Program {
  std::string text, log, object;
};

struct Function {
  void (*run)(unsigned, unsigned, unsigned, unsigned, void**);
  Context* context;
};

}  // namespace

#define LOCKED const std::lock_guard<std::recursive_mutex> lock(mutex)
#define NEEDS_CONTEXT                       \
  LOCKED;                                   \
  if (const int code = problem()) return code

extern "C" {
// For the tests: bytes copied to the GPU so far, launches, copies under way, modules, contexts, and this
// thread's.
unsigned long long fake_cuda_uploaded() { return uploaded; }
unsigned long long fake_cuda_launches() { return launches; }
unsigned long long fake_cuda_pending() { return pending.size(); }
unsigned long long fake_cuda_modules() { return modules; }
unsigned long long fake_cuda_contexts() {
  unsigned long long open = 0;
  for (const auto& [device, context] : contexts) open += context.references > 0;
  return open;
}
void* fake_cuda_current() { return current.empty() ? nullptr : current.back(); }

int cuInit(unsigned) { return static_cast<int>(setting("FAKE_CUDA_INIT", 0)); }
int cuDriverGetVersion(int* version) { return *version = static_cast<int>(setting("FAKE_CUDA_VERSION", 13000)), 0; }
int cuGetErrorName(int code, const char** name) {
  *name = code == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : code == 46 ? "CUDA_ERROR_DEVICE_UNAVAILABLE"
          : code == 201 ? "CUDA_ERROR_INVALID_CONTEXT" : code == 400 ? "CUDA_ERROR_INVALID_HANDLE"
          : code == 702 ? "CUDA_ERROR_LAUNCH_TIMEOUT" : code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR";
  return 0;
}
int cuGetErrorString(int, const char** text) { return *text = "said the fake driver", 0; }
int cuDeviceGetCount(int* count) { return *count = static_cast<int>(setting("FAKE_CUDA_DEVICES", 1)), 0; }
int cuDeviceGet(int* device, int number) { return *device = number, 0; }
int cuDeviceGetName(char* name, int size, int) { return std::snprintf(name, static_cast<std::size_t>(size), "fake GPU"), 0; }
int cuDeviceGetAttribute(int* value, int which, int device) {
  const int capability = static_cast<int>(setting("FAKE_CUDA_CAPABILITY", 90));
  switch (which) {
    case 13: return *value = setting("FAKE_CUDA_SLOW", -1) == device ? 1 : 1000000, 0;
    case 16: return *value = 4, 0;
    case 39: return *value = 2048, 0;
    case 75: return *value = capability / 10, 0;
    case 76: return *value = capability % 10, 0;
    case 87: return *value = 32, 0;
    default: return invalid_value;
  }
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) { return *bytes = memory(), 0; }
int cuDevicePrimaryCtxRetain(void** context, int device) {
  LOCKED;
  const long code = setting("FAKE_CUDA_CONTEXT", 0), busy = setting("FAKE_CUDA_BUSY", device);
  if (code != 0 && busy == device) return static_cast<int>(code);
  Context& own = contexts[device];
  own.device = device;
  ++own.references;
  return *context = &own, 0;
}
int cuCtxPushCurrent_v2(void* context) { return current.push_back(static_cast<Context*>(context)), 0; }
int cuCtxPopCurrent_v2(void** context) {
  if (current.empty()) return invalid_context;
  *context = current.back();
  return current.pop_back(), 0;
}
int cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  NEEDS_CONTEXT;
  *total = memory();
  *free = *total > used ? *total - used : 0;
  return 0;
}
int cuMemAlloc_v2(unsigned long long* pointer, std::size_t bytes) {
  NEEDS_CONTEXT;
  if (used + bytes > memory()) return 2;
  *pointer = reinterpret_cast<unsigned long long>(std::malloc(bytes));
  blocks[*pointer] = {bytes, current.back()};
  used += bytes;
  return 0;
}
int cuMemFree_v2(unsigned long long pointer) {
  NEEDS_CONTEXT;
  catch_up();
  const auto found = blocks.find(pointer);
  if (found == blocks.end() || found->second.context != current.back()) return invalid_handle;
  used -= found->second.bytes;
  blocks.erase(found);
  std::free(reinterpret_cast<void*>(pointer));
  return 0;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, std::size_t bytes, void*) {
  NEEDS_CONTEXT;
  uploaded += bytes;
  pending.push_back({reinterpret_cast<void*>(to), from, bytes});
  return 0;
}
int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, std::size_t bytes, void*) {
  NEEDS_CONTEXT;
  pending.push_back({to, reinterpret_cast<const void*>(from), bytes});
  return 0;
}
int cuModuleLoadData(void** module, const void* image) {
  NEEDS_CONTEXT;
  const char* file = static_cast<const char*>(image);
  if (std::strncmp(file, "PTX ", 4) == 0) file += 4;  // what the real driver compiles here
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (!library) return std::fprintf(stderr, "%s\n", dlerror()), 200;
  ++modules;
  return *module = new Module{library, current.back()}, 0;
}
int cuModuleUnload(void* module) {
  NEEDS_CONTEXT;
  Module* own = static_cast<Module*>(module);
  if (own->context != current.back()) return invalid_handle;
  --modules;
  dlclose(own->library);
  delete own;
  return 0;
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
  NEEDS_CONTEXT;
  static std::deque<Function> functions;
  const Module* own = static_cast<Module*>(module);
  void* found = dlsym(own->library, (std::string("launch_") + name).c_str());
  if (!found) return not_found;
  functions.push_back({reinterpret_cast<decltype(Function::run)>(found), own->context});
  return *function = &functions.back(), 0;
}
int cuLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned, unsigned, unsigned, void*,
                   void** args, void**) {
  NEEDS_CONTEXT;
  const Function& own = *static_cast<Function*>(function);
  if (own.context != current.back()) return invalid_handle;
  if (const int code = static_cast<int>(setting("FAKE_CUDA_LAUNCH", 0))) {
    if (!kills(code)) return code;
    return current.back()->dead = code, 0;  // it is found out later, by whoever calls next
  }
  catch_up();
  ++launches;
  own.run(x, y, z, threads, args);
  return 0;
}
int cuStreamCreate(void** stream, unsigned) {
  NEEDS_CONTEXT;
  return *stream = nullptr, 0;
}
int cuStreamSynchronize(void*) {
  LOCKED;
  catch_up();
  return problem();
}

int nvrtcVersion(int* major, int* minor) {
  return *major = static_cast<int>(setting("FAKE_NVRTC_VERSION", FAKE_NVRTC_MAJOR)), *minor = 0, 0;
}
int nvrtcGetSupportedArchs(int* list) {
  for (int known : {FAKE_NVRTC_KNOWS}) *list++ = known;
  return 0;
}
int nvrtcGetNumSupportedArchs(int* count) { return *count = std::initializer_list<int>{FAKE_NVRTC_KNOWS}.size(), 0; }
int nvrtcCreateProgram(void** program, const char* text, const char*, int, const char* const*, const char* const*) {
  return *program = new Program{text, "", ""}, 0;
}
int nvrtcCompileProgram(void* program, int, const char* const* options) {
  Program& p = *static_cast<Program*>(program);
  if (setting("FAKE_NVRTC", 0)) return p.log = "no, said the fake compiler", 6;
  if (setting("FAKE_NVRTC_HALVES", 0)) {
    int major, minor;
    nvrtcVersion(&major, &minor);
    const std::string other = "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor);
    if (!dlopen(other.c_str(), RTLD_NOW)) return p.log = "failed to open " + other, 7;
  }
  std::ostringstream out;
  out << "#include \"" FAKE_CUDA_HEADERS "/cuda_on_cpu.hpp\"\n/* " << options[0] << " */\n" << p.text;
  const std::string word = "__global__ void ";
  for (std::size_t at = 0; (at = p.text.find(word, at)) != std::string::npos;) {
    const std::size_t open = p.text.find("rkeops_gpu_", at);
    out << "LAUNCHER(" << p.text.substr(open, p.text.find('(', open) - open) << ")\n";
    at = open;
  }
  const char* scratch = std::getenv("FAKE_CUDA_SCRATCH");
  const std::string folder = std::string(scratch ? scratch : "/tmp") + "/fake-cuda-";
  std::string stem = folder + "XXXXXX";
  if (scratch) {
    p.object = folder + std::to_string(std::hash<std::string>()(out.str())) + ".so";
    if (access(p.object.c_str(), R_OK) == 0) return 0;
  }
  close(mkstemp(&stem[0]));
  const std::string source = stem + ".cpp", log = stem + ".log", made = stem + ".so";
  if (!scratch) p.object = made;
  std::ofstream(source) << out.str();
  const std::string command = "g++ -std=c++17 -O0 -w -ffp-contract=fast -fPIC -shared -nostdlib -o " + made + " " + source + " 2>" + log +
                              (scratch ? " && mv " + made + " " + p.object : "");
  const int code = std::system(command.c_str());
  std::ifstream in(log);
  p.log.assign(std::istreambuf_iterator<char>(in), {});
  if (code == 0) unlink(source.c_str());
  unlink(log.c_str());
  unlink(stem.c_str());
  return code == 0 ? 0 : 6;
}
int nvrtcGetProgramLogSize(void* program, std::size_t* size) { return *size = static_cast<Program*>(program)->log.size(), 0; }
int nvrtcGetProgramLog(void* program, char* log) {
  const Program& p = *static_cast<Program*>(program);
  return std::memcpy(log, p.log.data(), p.log.size()), 0;
}
// Machine code is the name of the shared object; PTX has a word in front.
int nvrtcGetCUBINSize(void* program, std::size_t* size) { return *size = static_cast<Program*>(program)->object.size() + 1, 0; }
int nvrtcGetCUBIN(void* program, char* out) {
  const Program& p = *static_cast<Program*>(program);
  return std::memcpy(out, p.object.c_str(), p.object.size() + 1), 0;
}
int nvrtcGetPTXSize(void* program, std::size_t* size) { return *size = static_cast<Program*>(program)->object.size() + 5, 0; }
int nvrtcGetPTX(void* program, char* out) { return std::memcpy(out, "PTX ", 4), nvrtcGetCUBIN(program, out + 4); }
int nvrtcDestroyProgram(void** program) {
  delete static_cast<Program*>(*program);
  return 0;
}
}
